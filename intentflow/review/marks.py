"""A label as the answers of Label Studio's form, and back."""

from __future__ import annotations

from typing import Any

from intentflow.calls import Call, CallSyntaxError, format_calls, parse_calls
from intentflow.conversion import export_format
from intentflow.conversion.export_format import Options, RowRejected
from intentflow.conversion.label_studio_answers import StudioAnswers, chosen_label, read_results
from intentflow.conversion.parameter_order import ParameterOrder
from intentflow.review.label_config import INTENT, PARAMETER, UTTERANCE, WRITTEN
from intentflow.taxonomy import Taxonomy

Result = dict[str, Any]
"""An answer to one question of the form."""

REASONS = export_format.REASONS | {
    "malformed_output": "the calls that are written do not parse",
    "off_taxonomy": "the taxonomy does not allow the calls",
    "two_answers": "the calls that are written have another intent than the one that is chosen",
}
"""Reasons for which an answer is no label, and their meaning."""


def read_label(results: Any, utterance: str, taxonomy: Taxonomy) -> str:
    """The label of an annotation, in the call language.

    Calls that are written count, if they name the intent that is chosen or none is chosen.

    Args:
        results: The annotation's answers, its ``result``.
        utterance: The task's utterance.
        taxonomy: Intents and parameters of the form.

    Raises:
        RowRejected: ``no_answer``, ``two_answers`` (written and chosen intents differ),
            ``malformed_output``, ``off_taxonomy``, or as for
            :func:`intentflow.conversion.label_studio_answers.chosen_label`.

    Example:
        >>> answer = {"from_name": "output", "type": "textarea", "value": {"text": ["stop()"]}}
        >>> read_label([answer], "halt", Taxonomy(intents={"stop": {}}))
        'stop()'
    """
    answers = read_results(results, utterance)
    chosen = _chosen(answers, taxonomy)
    written = _calls(chosen_label(_only(answers, WRITTEN), Options()))
    calls = written or _calls(chosen)
    if not calls:
        raise RowRejected("no_answer")
    if written and chosen and {call.intent for call in written} != {_calls(chosen)[0].intent}:
        raise RowRejected("two_answers")
    if not all(map(taxonomy.accepts, calls)):
        raise RowRejected("off_taxonomy")
    return format_calls(calls)


def pre_label(prediction: str, utterance: str, taxonomy: Taxonomy) -> list[Result]:
    """The answers that mean a label: a choice and marks, or else the calls as they are written.

    Args:
        prediction: The label; no answers if it is blank.
        utterance: The task's utterance.
        taxonomy: Intents and parameters of the form.
    """
    try:
        calls = parse_calls(prediction)
    except CallSyntaxError:
        return [_written(prediction)]
    if not calls:
        return []
    results = _marked(calls[0], utterance, taxonomy) if len(calls) == 1 else []
    try:
        if results and read_label(results, utterance, taxonomy) == format_calls(calls):
            return results
    except RowRejected:
        pass
    return [_written(prediction)]


def _only(answers: StudioAnswers, question: str) -> StudioAnswers:
    found = answers.questions.get(question, [])
    texts = [text for text in found if not isinstance(text, str) or text.strip()]
    return StudioAnswers({question: texts} if texts else {}, [], has_regions=False)


def _chosen(answers: StudioAnswers, taxonomy: Taxonomy) -> str:
    """The chosen intent with the marked values; empty if none is chosen."""
    chosen = _only(answers, INTENT)
    if not chosen.questions:
        return ""
    order = ParameterOrder.of(taxonomy)
    marked = StudioAnswers(chosen.questions, answers.spans, answers.has_regions)
    return chosen_label(marked, Options(label_field=INTENT, spans=True, order=order))


def _calls(label: str) -> list[Call]:
    try:
        return parse_calls(label) if label else []
    except CallSyntaxError:
        raise RowRejected("malformed_output") from None


def _marked(call: Call, utterance: str, taxonomy: Taxonomy) -> list[Result]:
    """The choice of an intent and the marks of its values; empty if one cannot be marked."""
    intent = taxonomy.intents.get(call.intent)
    if intent is None or len(call.parameters) > len(intent.parameters):
        return []
    results = [_result(INTENT, "choices", {"choices": [call.intent]})]
    taken = [False] * len(utterance)
    for name, value in zip(intent.parameters, call.parameters, strict=False):
        if not value:
            continue
        start = _free_place(value, utterance, taken)
        if start is None:
            return []
        end = start + len(value)
        taken[start:end] = [True] * len(value)
        place = {"start": start, "end": end}
        mark = _result(PARAMETER, "labels", {**place, "text": value, "labels": [name]})
        results.append({"id": f"mark{start}", **mark})
    return results


def _free_place(value: str, utterance: str, taken: list[bool]) -> int | None:
    start = utterance.find(value)
    while start >= 0:
        if not any(taken[start : start + len(value)]):
            return start
        start = utterance.find(value, start + 1)
    return None


def _written(label: str) -> Result:
    return _result(WRITTEN, "textarea", {"text": [label]})


def _result(question: str, kind: str, value: dict[str, Any]) -> Result:
    return {"from_name": question, "to_name": UTTERANCE, "type": kind, "value": value}
