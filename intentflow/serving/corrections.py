"""Corrections of clients, read and held to the taxonomy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intentflow.calls import Call, CallSyntaxError, format_calls, parse_calls
from intentflow.config import nearest
from intentflow.inference.dialogues import count_rounds, joined_rounds
from intentflow.io.surrogates import is_unicode
from intentflow.serving.dialogue import read_messages, require_length
from intentflow.serving.errors import ReplyError
from intentflow.serving.limits import Limits
from intentflow.serving.schemas.feedback import CorrectionRequest
from intentflow.taxonomy import Taxonomy

_MAX_SHOWN = 10


@dataclass(frozen=True)
class Correction:
    """A correction that was read.

    Attributes:
        instruction: The utterance.
        output: The right answer, in the call language.
        prediction: The wrong answer; None if unknown.
        note: A remark for reviewers; None if there is none.
        annotator: Pseudonym of who corrected, or name of a tool; None if unknown.
        rounds: Number of the user's turns that the utterance joins.
        person: Keyed hash of the person who asked; None if unknown.
    """

    instruction: str
    output: str
    prediction: str | None = None
    note: str | None = None
    annotator: str | None = None
    rounds: int = 1
    person: str | None = None


def read_correction(
    body: CorrectionRequest, taxonomy: Taxonomy, limits: Limits, person: str | None = None
) -> Correction:
    """Read a correction.

    Args:
        body: The client's correction.
        taxonomy: The intents that exist.
        limits: Lengths of the texts.
        person: Keyed hash of the person who asked; None if unknown.

    Raises:
        ReplyError: Something is missing, too long, or not in the taxonomy.
    """
    calls = _corrected_calls(body, limits)
    instruction, rounds = _instruction(body, limits)
    for call in calls:
        _require_known(call, taxonomy)
    for name, text in (("prediction", body.prediction), ("note", body.note)):
        if text is not None:
            require_length(len(text), limits, name)
    return Correction(
        instruction,
        format_calls(calls),
        body.prediction,
        body.note,
        body.annotator,
        rounds,
        person,
    )


def _instruction(body: CorrectionRequest, limits: Limits) -> tuple[str, int]:
    """The utterance, and the number of the user's turns that it joins."""
    if body.messages is not None:
        messages = read_messages(body.messages, limits)
        return joined_rounds(messages), count_rounds(messages)
    text = body.utterance if body.instruction is None else body.instruction
    if text is None or not text.strip():
        raise ReplyError(400, "instruction: it is missing or empty")
    require_length(len(text), limits, "instruction")
    return text, 1


def _corrected_calls(body: CorrectionRequest, limits: Limits) -> list[Call]:
    if body.output is not None:
        require_length(len(body.output), limits, "output")
        try:
            calls = parse_calls(body.output)
        except CallSyntaxError as error:
            raise ReplyError(400, f"output: it is not a call: {error}") from None
        if not all(is_unicode(value) for call in calls for value in call.parameters):
            raise ReplyError(400, "output: a value holds half of a surrogate pair")
        return calls
    if not body.calls:
        raise ReplyError(400, "output: it is missing; write it as in weather_search(Hangzhou)")
    values = (value for call in body.calls for value in (call.intent, *call.parameters))
    require_length(sum(map(len, values)), limits, "calls")
    return [Call(call.intent, tuple(call.parameters)) for call in body.calls]


def _require_known(call: Call, taxonomy: Taxonomy) -> None:
    if taxonomy.accepts(call):
        return
    intent = taxonomy.intents.get(call.intent)
    if intent is not None and taxonomy.accepts_count(call):
        name, _ = taxonomy.forbidden_values(call)[0]
        raise ReplyError(422, f"{name} of {call.intent} is one of {_listed(intent.values[name])}")
    if intent is not None:
        message = f"{call.intent} takes {intent.min_parameters} to {len(intent.parameters)} values"
        raise ReplyError(422, message)
    guess = nearest(call.intent, taxonomy.intents)
    raise ReplyError(
        422, "the taxonomy has no such intent" + (f"; did you mean {guess}?" if guess else "")
    )


def _listed(values: Sequence[str]) -> str:
    more = [f"{len(values) - _MAX_SHOWN} more"] if len(values) > _MAX_SHOWN else []
    return ", ".join([*values[:_MAX_SHOWN], *more])
