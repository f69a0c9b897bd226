"""Rows to compare: training rows, scored predictions or a request log."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from intentflow.artifacts.drift import DriftRequests
from intentflow.artifacts.predictions import GivenPrediction
from intentflow.artifacts.request_log import LoggedRequest
from intentflow.calls import CallSyntaxError, parse_calls
from intentflow.errors import InputError
from intentflow.feedback.log_files import log_files
from intentflow.feedback.times import read_time
from intentflow.records import Example, content_digest, read_records, read_rows
from intentflow.storage import is_remote

MALFORMED = "(malformed)"
"""Shown in place of the intents of an answer that does not parse."""

_NO_INTENT = "(none)"


@dataclass(frozen=True)
class AnsweredRows:
    """Utterances with the intents that a label or a model gives them.

    Attributes:
        texts: The utterances.
        intents: Names of each row's intents, each once, in alphabetical order.
        confidences: Confidence of each answer in [0, 1]; None where it is unknown.
    """

    texts: list[str]
    intents: list[tuple[str, ...]]
    confidences: list[float | None]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, float | None]]) -> Self:
        """Rows of utterance, answer in the call language, and confidence.

        Example:
            >>> AnsweredRows.of([("hi", "greet(); ask(x)", 0.9)]).intents
            [('ask', 'greet')]
        """
        found = list(rows)
        return cls(
            [text for text, _, _ in found],
            [_intents(answer) for _, answer, _ in found],
            [confidence for _, _, confidence in found],
        )

    def part(self, places: Sequence[int]) -> AnsweredRows:
        """The rows at some places."""
        return AnsweredRows(
            [self.texts[at] for at in places],
            [self.intents[at] for at in places],
            [self.confidences[at] for at in places],
        )

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def digest(self) -> str:
        """SHA-256 of utterances and intents in order."""
        pairs = zip(self.texts, self.intents, strict=True)
        return content_digest([Example(text, "; ".join(names)) for text, names in pairs])


def read_reference(path: str | Path) -> AnsweredRows:
    """Read the rows to compare with.

    Args:
        path: Records (``output``); scored predictions of ``intentflow evaluate``, whose
            ``prediction`` and ``confidence`` count; or an earlier request log.

    Raises:
        InputError: The file cannot be read, or a row is neither.
    """
    if not is_remote(str(path)) and Path(path).is_dir():
        return read_requests([path])[0]
    _, first = next(iter(read_rows(path)), ("", None))
    if not isinstance(first, Mapping) or "prediction" not in first:
        return AnsweredRows.of((row.instruction, row.output, None) for row in read_records(path))
    if "output" not in first:
        return read_requests([path])[0]
    scored = GivenPrediction.read_rows(path)
    return AnsweredRows.of((row.instruction, row.prediction, row.confidence) for row in scored)


def read_requests(paths: Sequence[str | Path]) -> tuple[AnsweredRows, DriftRequests]:
    """Read a request log; corrections and repeated requests are left out.

    A request is repeated if it has id and utterance of an earlier one.

    The utterances of one request with several have one id.

    Args:
        paths: Files of JSON lines (plain or gzip), folders or ``s3://`` prefixes in which a
            service keeps requests.

    Raises:
        InputError: There are no requests, or a line is not one.
    """
    lines: list[LoggedRequest] = []
    known: set[tuple[str, str]] = set()
    times: list[datetime] = []
    repeated = 0
    with tempfile.TemporaryDirectory() as folder:
        for where, document in _documents(paths, Path(folder)):
            line = LoggedRequest.from_mapping(document, where)
            if (line.request_id, line.instruction) in known:
                repeated += 1
                continue
            known.add((line.request_id, line.instruction))
            times.append(read_time(line.time, f"{where}: time"))
            lines.append(line)
    if not lines:
        raise InputError(f"{', '.join(map(str, paths))}: the log contains no requests")
    rows = AnsweredRows.of((it.instruction, it.prediction, it.confidence) for it in lines)
    return rows, DriftRequests(
        rows=len(lines),
        repeated=repeated,
        first=min(times).isoformat(),
        last=max(times).isoformat(),
        models=sorted({line.model_digest for line in lines if line.model_digest}),
    )


def _documents(paths: Sequence[str | Path], folder: Path) -> Iterator[tuple[str, Any]]:
    for shown, file in log_files(paths, folder, ["requests"]):
        rows = read_rows(file) if file.stat().st_size else iter(())
        for where, document in rows:
            if not _is_correction(document):
                yield f"{shown} {where}", document


def _is_correction(document: object) -> bool:
    return isinstance(document, Mapping) and {"request_id", "output"} <= document.keys()


def _intents(answer: str) -> tuple[str, ...]:
    try:
        calls = parse_calls(answer)
    except CallSyntaxError:
        return (MALFORMED,)
    return tuple(sorted({call.intent for call in calls})) or (_NO_INTENT,)
