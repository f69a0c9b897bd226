"""Answers of iTAG templates that write no MarkResult: questions of a survey.

Two formats are documented. The custom template writes one result per question, ``{"questionId",
"data": "the answer", "markTitle", "type": "survey/value"}`` (``survey/multivalue``: ``data`` is
a list); the older text classification nests them, ``{"type": "survey", "data": [{"data": "the
answer", "id", "type": "survey/value"}]}``. Results of other types (boxes, entities) are skipped.
Design decision: the question titled ``output`` counts, or the only one; several values of one
question are several intents.
"""

from __future__ import annotations

from typing import Any

from intentflow.conversion.agreement import join_labels, one_answer
from intentflow.conversion.export_format import Row, RowRejected

_TYPES = ("survey/value", "survey/multivalue")


def is_survey(result: Any) -> bool:
    """Whether a result answers survey questions."""
    return isinstance(result, dict) and str(result.get("type", "")).startswith("survey")


def survey_answers(results: list[Any]) -> list[str]:
    """The answers to the question for the label, one per annotator.

    Raises:
        RowRejected: ``several_questions``, or ``not_text``.
    """
    questions: list[tuple[str, str]] = []
    for result in results:
        if is_survey(result):
            questions += _questions_in(result)
    return one_answer(questions)


def _questions_in(result: Row) -> list[tuple[str, str]]:
    data = result.get("data")
    if result["type"] in _TYPES:
        return [] if data is None else [(_title(result), _answer(data))]
    inner = data if isinstance(data, list) else []
    return [found for item in inner if is_survey(item) for found in _questions_in(item)]


def _title(result: Row) -> str:
    return str(result.get("markTitle") or result.get("questionId") or result.get("id") or "")


def _answer(data: Any) -> str:
    if isinstance(data, list):
        return join_labels(data)
    if not isinstance(data, str):
        raise RowRejected("not_text")
    return data
