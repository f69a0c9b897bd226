"""Rows to compare: training rows, scored predictions or a request log."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from intentflow.artifacts.drift import DriftRequests
from intentflow.artifacts.predictions import GivenPrediction
from intentflow.artifacts.request_log import LoggedRequest
from intentflow.calls import CallSyntaxError, parse_calls
from intentflow.errors import InputError
from intentflow.feedback.log_files import EmptyLog, log_files, uncompressed
from intentflow.feedback.service_log import LineRejected, lines_of, read_line
from intentflow.records import Example, content_digest, read_records, read_rows
from intentflow.storage import fetch, is_remote

log = logging.getLogger(__name__)

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
            ``prediction`` and ``confidence`` count; or an earlier request log. Plain or gzip.

    Raises:
        InputError: The file cannot be read, or a row is neither.
    """
    if not is_remote(str(path)) and Path(path).is_dir():
        return read_requests([path])[0]
    with tempfile.TemporaryDirectory() as folder:
        fetched = fetch(path, Path(folder))
        file = uncompressed(fetched, str(path), Path(folder)) if fetched.is_file() else fetched
        try:
            return _reference_rows(file, path)
        except InputError as error:
            raise InputError(str(error).replace(str(file), str(path))) from None


def _reference_rows(file: Path, path: str | Path) -> AnsweredRows:
    try:
        _, first = next(iter(read_rows(file)), ("", None))
    except InputError:  # a log may have a broken line
        try:
            return read_requests([path])[0]
        except EmptyLog:
            first = None
    if not isinstance(first, Mapping) or "prediction" not in first:
        return AnsweredRows.of((row.instruction, row.output, None) for row in read_records(file))
    if "output" not in first:
        return read_requests([path])[0]
    scored = GivenPrediction.read_rows(file)
    return AnsweredRows.of((row.instruction, row.prediction, row.confidence) for row in scored)


def read_requests(paths: Sequence[str | Path]) -> tuple[AnsweredRows, DriftRequests]:
    """Read a request log; corrections and repeated requests are left out.

    A request is repeated if it has id and utterance of an earlier one. Lines that are none of a
    service's are counted, and logged.

    The utterances of one request with several have one id.

    Args:
        paths: Files of JSON lines (plain or gzip), folders or ``s3://`` prefixes in which a
            service keeps requests.

    Raises:
        InputError: A path does not exist, or is damaged.
        EmptyLog: No line is a request; the message names the first line that is none.
    """
    lines: list[LoggedRequest] = []
    known: set[tuple[str, str]] = set()
    times: list[datetime] = []
    faults: list[str] = []
    repeated = 0
    with tempfile.TemporaryDirectory() as folder:
        for line, time in _requests(paths, Path(folder), faults):
            if (line.request_id, line.instruction) in known:
                repeated += 1
                continue
            known.add((line.request_id, line.instruction))
            times.append(time)
            lines.append(line)
    if not lines:
        first = f"; of {len(faults)} lines that are none, {faults[0]}" if faults else ""
        raise EmptyLog(f"{', '.join(map(str, paths))}: the log contains no requests{first}")
    if faults:
        log.warning(
            "%d lines are left out, which are no requests of a service; the first: %s",
            *(len(faults), faults[0]),
        )
    rows = AnsweredRows.of((it.instruction, it.prediction, it.confidence) for it in lines)
    return rows, DriftRequests(
        rows=len(lines),
        repeated=repeated,
        rejected=len(faults),
        first=min(times).isoformat(),
        last=max(times).isoformat(),
        models=sorted({line.model_digest for line in lines if line.model_digest}),
    )


def _requests(
    paths: Sequence[str | Path], folder: Path, faults: list[str]
) -> Iterator[tuple[LoggedRequest, datetime]]:
    """The requests of a log, with their times; adds to the faults what cannot be read."""
    for shown, file in log_files(paths, folder, ["requests"]):
        for number, raw in lines_of(file):
            try:
                line, time = read_line(raw)
            except LineRejected as rejected:
                faults.append(f"{shown} line {number} {rejected.fault}")
                continue
            if isinstance(line, LoggedRequest):
                yield line, time


def _intents(answer: str) -> tuple[str, ...]:
    try:
        calls = parse_calls(answer)
    except CallSyntaxError:
        return (MALFORMED,)
    return tuple(sorted({call.intent for call in calls})) or (_NO_INTENT,)
