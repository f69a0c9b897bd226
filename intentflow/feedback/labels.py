"""New labels from corrections: one for each utterance, the latest of trusted annotators."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from intentflow.artifacts.feedback import (
    FeedbackLabel,
    FeedbackPair,
    LabelLeftOutReason,
    LeftOutLabel,
)
from intentflow.calls import CallSyntaxError, format_calls, parse_calls, parse_json_calls
from intentflow.curation.dedup import label_key, normalised_utterance
from intentflow.feedback.annotators import UNKNOWN
from intentflow.feedback.join import JoinedCorrection
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy

LabelKey = tuple[str, object]


@dataclass
class NewLabels:
    """Labels and what became none.

    Attributes:
        rows: Corrections that became labels, in order of time.
        left_out: Corrections that did not.
        duplicates: Number of corrections with the label of another one.
        known: Number of labels that known rows have already.
    """

    rows: list[JoinedCorrection] = field(default_factory=list)
    left_out: list[LeftOutLabel] = field(default_factory=list)
    duplicates: int = 0
    known: int = 0

    def labels(self) -> list[FeedbackLabel]:
        """The labels as rows of a file."""
        return [FeedbackLabel(**_fields(row)) for row in self.rows]

    def pairs(self) -> list[FeedbackPair]:
        """The labels whose answer is known, with that answer, for preference tuning."""
        return [pair for row in self.rows if (pair := _pair(row)) is not None]


def new_labels(
    corrections: Sequence[JoinedCorrection],
    *,
    gold: Collection[str] = (),
    set_aside: Collection[str] = (),
    taxonomy: Taxonomy | None = None,
    known: Iterable[Example] = (),
) -> NewLabels:
    """Choose the label of each utterance.

    Args:
        corrections: Corrections in the order in which they count, the decisive one last.
        gold: Normalised utterances that are kept out, to check annotators with.
        set_aside: Annotators whose labels do not count.
        taxonomy: Intents that labels may name; any if None.
        known: Rows whose labels are not new.
    """
    found = NewLabels()
    by_utterance: dict[str, list[JoinedCorrection]] = {}
    for one in corrections:
        reason = _exclusion(one, gold, set_aside, taxonomy)
        if reason is None:
            by_utterance.setdefault(one.correction.utterance, []).append(one)
        else:
            found.left_out.append(LeftOutLabel(**_fields(one), reason=reason))
    known_keys = {_key(row.instruction, row.output) for row in known}
    for group in by_utterance.values():
        _settle(group, known_keys, found)
    found.rows.sort(key=lambda one: one.correction.time)
    return found


def _exclusion(
    one: JoinedCorrection,
    gold: Collection[str],
    set_aside: Collection[str],
    taxonomy: Taxonomy | None,
) -> LabelLeftOutReason | None:
    if one.correction.utterance in gold:
        return "gold"
    if (one.correction.annotator or UNKNOWN) in set_aside:
        return "set_aside"
    calls = parse_calls(one.correction.line.output)
    if taxonomy is not None and not all(map(taxonomy.accepts, calls)):
        return "off_taxonomy"
    return None


def _settle(group: list[JoinedCorrection], known: set[LabelKey], found: NewLabels) -> None:
    """Take the last correction of an utterance; list the earlier ones that differ."""
    last = group[-1]
    decisive = _correction_key(last)
    for one in group[:-1]:
        if _correction_key(one) == decisive:
            found.duplicates += 1
        else:
            by = last.correction.line.output
            found.left_out.append(LeftOutLabel(**_fields(one), reason="replaced", by=by))
    if decisive in known:
        found.known += 1
    else:
        found.rows.append(last)


def _key(instruction: str, output: str) -> LabelKey:
    return normalised_utterance(instruction), label_key(output)


def _correction_key(one: JoinedCorrection) -> LabelKey:
    return _key(one.correction.line.instruction, one.correction.line.output)


class _LabelFields(TypedDict):
    instruction: str
    output: str
    annotator: str | None
    time: str
    request_id: str
    model_digest: str | None
    rounds: int
    person: str | None


def _fields(one: JoinedCorrection) -> _LabelFields:
    line = one.correction.line
    asked = one.request.line if one.request else line
    return {
        "instruction": line.instruction,
        "output": line.output,
        "annotator": line.annotator,
        "time": one.correction.time.isoformat(timespec="milliseconds"),
        "request_id": line.request_id,
        "model_digest": asked.model_digest,
        "rounds": max(line.rounds, asked.rounds),
        "person": line.person or asked.person,
    }


def _pair(one: JoinedCorrection) -> FeedbackPair | None:
    line = one.correction.line
    if one.prediction is None:
        return None
    return FeedbackPair(
        instruction=line.instruction,
        output=line.output,
        prediction=_as_calls(one.prediction),
        confidence=one.request.line.confidence if one.request else None,
        person=_fields(one)["person"],
    )


def _as_calls(prediction: str) -> str:
    """The answer in the call language, in which a client may not have stated it."""
    try:
        return format_calls(parse_json_calls(prediction))
    except CallSyntaxError:
        return prediction
