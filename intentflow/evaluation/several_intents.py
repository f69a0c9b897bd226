"""Scores of rows with several intents: by number of calls, missed and surplus calls."""

from __future__ import annotations

from collections.abc import Sequence

from intentflow.artifacts.answer_scores import CallCountScores, SeveralIntentsScores
from intentflow.evaluation.bootstrap import ratio
from intentflow.evaluation.scored_rows import Scored, intent_names


def several_intents_scores(rows: Sequence[Scored]) -> SeveralIntentsScores:
    """The ``several_intents`` of ``metrics.json``.

    Args:
        rows: Scored rows; those whose label does not parse have no number of calls.
    """
    several = [row for row in rows if len(row.gold or ()) > 1]
    gold = [intent_names(row.gold) for row in rows]
    guess = [intent_names(row.predicted) for row in rows]
    pairs = list(zip(gold, guess, strict=True))
    return SeveralIntentsScores(
        share=ratio(len(several), len(rows)),
        intent_accuracy=ratio(sum(row.intent_right for row in several), len(several)),
        parameter_accuracy=ratio(sum(row.parameters_right for row in several), len(several)),
        missed_rate=ratio(
            sum((ours - theirs).total() for ours, theirs in pairs), sum(it.total() for it in gold)
        ),
        surplus_rate=ratio(
            sum((theirs - ours).total() for ours, theirs in pairs), sum(it.total() for it in guess)
        ),
        by_calls=_by_calls(rows),
    )


def _by_calls(rows: Sequence[Scored]) -> list[CallCountScores]:
    counted: dict[int, list[Scored]] = {}
    for row in rows:
        if row.gold:
            counted.setdefault(len(row.gold), []).append(row)
    return [
        CallCountScores(
            calls=calls,
            n=len(some),
            intent_accuracy=ratio(sum(row.intent_right for row in some), len(some)),
            parameter_accuracy=ratio(sum(row.parameters_right for row in some), len(some)),
        )
        for calls, some in sorted(counted.items())
    ]
