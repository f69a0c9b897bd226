"""The rule of each kind: whether the answer to an edited row is as it has to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from intentflow.artifacts.behaviour import INVARIANCE_KINDS, EditedText
from intentflow.calls import (
    Call,
    CallSyntaxError,
    OutputFormat,
    comparable_call,
    parse_calls,
    parse_output,
    same_calls,
)


def judge(
    case: EditedText, answer: str, edited_answer: str, output_format: OutputFormat = "call"
) -> bool | None:
    """Whether a rule holds.

    Invariance: both answers have the same calls, in any order; with another letter case, values
    are compared without it. Another value: the answer is the label with that value, judged where
    the row itself is answered rightly. Negation: the intent that was answered is not answered
    again. Near out of scope: the answer is the out-of-scope intent.

    Args:
        case: The edited row.
        answer: The model's answer to the row; empty if the request failed.
        edited_answer: Answer to the edited text; empty if the request failed.
        output_format: Format of the answers.

    Returns:
        None if the answer to the row is none that the rule can be judged by.

    Example:
        >>> case = EditedText(
        ...     kind="casing", row=1, instruction="play jazz", output="play(jazz)",
        ...     edited="PLAY JAZZ", edited_output="play(jazz)",
        ... )
        >>> judge(case, "play(jazz)", "play(JAZZ)"), judge(case, "play(jazz)", "stop()")
        (True, False)
    """
    before, after = _read(answer, output_format), _read(edited_answer, output_format)
    if case.kind in INVARIANCE_KINDS:
        if not answer:
            return None
        fold = case.kind == "casing"
        return _are_same(before, after, fold=fold) or answer.strip() == edited_answer.strip()
    if case.kind == "near_out_of_scope":
        return after is not None and _intents(after) == _intents(_label(case.edited_output))
    label = _label(case.output)
    if case.kind == "negation":
        if before is None or not _intents(label) <= _intents(before):
            return None
        return after is not None and not _intents(label) & _intents(after)
    if not _are_same(before, label):
        return None
    return _are_same(after, _label(case.edited_output))


def _read(text: str, output_format: OutputFormat) -> list[Call] | None:
    try:
        return [comparable_call(call) for call in parse_output(text, output_format)]
    except CallSyntaxError:
        return None


def _label(output: str | None) -> list[Call]:
    return [comparable_call(call) for call in parse_calls(output or "")]


def _intents(calls: Sequence[Call]) -> set[str]:
    return {call.intent for call in calls}


def _are_same(left: list[Call] | None, right: list[Call] | None, *, fold: bool = False) -> bool:
    if left is None or right is None:
        return False
    if fold:
        left, right = _folded(left), _folded(right)
    return same_calls(left, right)


def _folded(calls: Sequence[Call]) -> list[Call]:
    values = ([value.casefold() for value in call.parameters] for call in calls)
    return [replace(call, parameters=tuple(v)) for call, v in zip(calls, values, strict=True)]
