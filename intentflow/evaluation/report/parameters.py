"""Rows with several intents, and the parameters of each intent, on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from intentflow.artifacts.answer_scores import ParameterScores, SeveralIntentsScores
from intentflow.evaluation.report.wording import percent

_MAX_PARAMETERS = 40
_MAX_WRONG = 3


def several_intents_table(scores: SeveralIntentsScores | None) -> dict[str, Any] | None:
    """Shares of the calls that are missed or too many, and accuracy by number of calls.

    Returns:
        None if no row has two or more labelled calls.
    """
    if scores is None or not scores.share:
        return None
    return {
        "share": percent(scores.share),
        "missed": percent(scores.missed_rate),
        "surplus": percent(scores.surplus_rate),
        "rows": [
            [one.calls, f"{one.n:,}", percent(one.intent_accuracy), percent(one.parameter_accuracy)]
            for one in scores.by_calls
        ],
    }


def parameter_table(scores: Sequence[ParameterScores]) -> dict[str, Any] | None:
    """Precision, recall and wrong values of each parameter, the most missed values first.

    Returns:
        None without parameters.
    """
    if not scores:
        return None
    ordered = sorted(scores, key=lambda one: (one.correct - one.support, one.intent, one.parameter))
    return {
        "rows": [
            [
                one.intent,
                one.parameter,
                percent(one.precision),
                percent(one.recall),
                percent(one.f1),
                f"{one.support:,}",
                _wrong_values(one),
            ]
            for one in ordered[:_MAX_PARAMETERS]
        ],
        "left_out": max(0, len(ordered) - _MAX_PARAMETERS),
    }


def _wrong_values(scores: ParameterScores) -> str:
    """The commonest wrong values, such as ``Rome → none (2)``."""
    return "; ".join(
        f"{one.gold or 'none'} → {one.predicted or 'none'} ({one.count:,})"
        for one in scores.wrong[:_MAX_WRONG]
    )
