"""Answers to many utterances in a file: pre-labels for a labelling tool, or rows to look at."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.artifacts.predictions import PredictedRow, RankedIntent
from intentflow.calls import CallSyntaxError, format_calls, parse_output
from intentflow.conversion import ExportReading, convert
from intentflow.io.progress import progress_bar
from intentflow.serving.interpretation import judge

if TYPE_CHECKING:
    from intentflow.client import IntentClient, Recognition
    from intentflow.inference.engines import Answer, Engine
    from intentflow.serving.model_files import ServedModel

_BATCH = 16  # utterances of one request
_RANKED = 5

Ask = Callable[[Sequence[str]], list[PredictedRow]]
"""Answers utterances, in order."""


@dataclass(frozen=True)
class PrelabelSummary:
    """The result of answering a file.

    Attributes:
        rows: Number of rows written.
        rejected: Number of rows without an utterance.
        rejects: The file next to the output that lists these rows; None if there is none.
        malformed: Number of answers that are no calls.
        intents: Number of rows by intent, the most frequent first.
    """

    rows: int
    rejected: int
    rejects: str | None
    malformed: int
    intents: dict[str, int]


def write_prelabels(
    source: str, out: str | Path, ask: Ask, *, field: str | None = None
) -> PrelabelSummary:
    """Answer every utterance of a file.

    Args:
        source: File of any format that ``convert`` reads, labelled or not, or lines of text.
        out: JSON lines to write: :class:`intentflow.artifacts.predictions.PredictedRow`.
        ask: Model, endpoint or service that answers.
        field: Name of the utterance's field; found by names and content if None.

    Raises:
        InputError: The source cannot be read or has no utterance.
        ServiceError: The service does not answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        tasks, path = Path(folder, "tasks.jsonl"), Path(out)
        rejects = path.with_name(f"{path.stem}.rejects.jsonl")
        read = convert(source, tasks, ExportReading(field=field), to="itag", rejects=rejects)
        if not read.rejected:
            rejects.unlink()
        found = [json.loads(line)["data"] for line in tasks.open(encoding="utf-8")]
    rows = [
        row.model_copy(update={"dialogue": data.get("dialogue"), "rounds": data.get("rounds")})
        for row, data in zip(ask([data["instruction"] for data in found]), found, strict=True)
    ]
    PredictedRow.write_rows(path, rows)
    intents = [_intents(row.prediction) for row in rows]
    counts = Counter(name for names in intents for name in names or ())
    malformed = sum(names is None for names in intents)
    left_out = str(rejects) if read.rejected else None
    return PrelabelSummary(
        len(rows), read.rejected, left_out, malformed, dict(counts.most_common())
    )


def engine_asks(engine: Engine, model: ServedModel | None = None) -> Ask:
    """A model in this process, or an endpoint with the OpenAI API.

    Args:
        engine: The engine.
        model: The engine's model, whose calibration and out-of-scope threshold are applied as by
            a service; None for the answers as they are, with raw confidences.
    """

    def ask(utterances: Sequence[str]) -> list[PredictedRow]:
        answers = engine.answer(utterances)
        return [
            _of_answer(utterance, answer, model)
            for utterance, answer in zip(utterances, answers, strict=True)
        ]

    return ask


def service_asks(client: IntentClient) -> Ask:
    """A deployed intent service, with its calibrated confidences."""

    def ask(utterances: Sequence[str]) -> list[PredictedRow]:
        rows: list[PredictedRow] = []
        with progress_bar("predict", total=len(utterances), unit="row", in_log=True) as bar:
            for start in range(0, len(utterances), _BATCH):
                some = utterances[start : start + _BATCH]
                answers = client.recognize_all(some, top_k=_RANKED)
                rows += [_of_recognition(*pair) for pair in zip(some, answers, strict=True)]
                bar.update(len(some))
        return rows

    return ask


def _of_answer(utterance: str, answer: Answer, model: ServedModel | None) -> PredictedRow:
    confidence, scope_call = answer.confidence, None
    if model is not None:
        confidence, scope_call = judge(answer.confidence, answer.ranking, model)
    return PredictedRow(
        instruction=utterance,
        prediction=format_calls([scope_call]) if scope_call else answer.text,
        confidence=confidence,
        ranking=_ranked((answer.ranking or {}).items()),
    )


def _of_recognition(utterance: str, found: Recognition) -> PredictedRow:
    return PredictedRow(
        instruction=utterance,
        prediction=found.prediction,
        confidence=found.confidence,
        ranking=_ranked((one.intent, one.probability) for one in found.ranking or ()),
    )


def _ranked(intents: Iterable[tuple[str, float]]) -> list[RankedIntent] | None:
    """The most probable intents; None where there is no ranking."""
    first = islice(intents, _RANKED)
    return [RankedIntent(intent=name, probability=share) for name, share in first] or None


def _intents(prediction: str) -> set[str] | None:
    """The intents of an answer; None if it is no call."""
    try:
        calls = parse_output(prediction, "json" if prediction.startswith("[") else "call")
    except CallSyntaxError:
        return None
    return {call.intent for call in calls}
