"""Scores of ranked intents: labels among the first three, and accuracy by the first one's lead."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from statistics import median

from intentflow.artifacts.confidence_scores import FusedScores, MarginBin, RankingScores
from intentflow.evaluation.bootstrap import ratio
from intentflow.evaluation.scored_rows import Scored
from intentflow.inference.intent_distribution import Ranking

_FIRST = 3
_BINS = 5


def ranking_scores(rows: Sequence[Scored]) -> RankingScores | None:
    """The ``ranking`` of ``metrics.json``; None if no row has a ranking."""
    ranked = [row for row in rows if row.ranking]
    if not ranked:
        return None
    leads = [lead(row.ranking or {}) for row in ranked]
    return RankingScores(
        n=len(ranked),
        top3_accuracy=ratio(sum(top3_right(rows)), len(rows)),
        median_margin=median(leads),
        margins=_bins(leads, [row.intent_right for row in ranked]),
        fused=_fused_scores(rows),
    )


def _fused_scores(rows: Sequence[Scored]) -> FusedScores | None:
    """The first intent with the classifier and without it, of all rows."""
    if all(row.own_intent is None for row in rows):
        return None
    own = [row.own_intent in row.gold_intents for row in rows]
    fused = [next(iter(row.ranking or {}), None) in row.gold_intents for row in rows]
    pairs = list(zip(fused, own, strict=True))
    return FusedScores(
        own_accuracy=ratio(sum(own), len(rows)),
        fused_accuracy=ratio(sum(fused), len(rows)),
        won=pairs.count((True, False)),
        lost=pairs.count((False, True)),
    )


def top3_right(rows: Sequence[Scored]) -> list[bool]:
    """Whether one of each row's labelled intents is among its three most probable ones.

    A row without a ranking counts as wrong.
    """
    return [not row.gold_intents.keys().isdisjoint(_first(row.ranking or {})) for row in rows]


def lead(ranking: Ranking) -> float:
    """Probability of the first intent less that of the second, in [0, 1].

    Example:
        >>> round(lead({"play": 0.7, "stop": 0.2, "bye": 0.1}), 6)
        0.5
    """
    first, second, *_ = [*ranking.values(), 0.0, 0.0]
    return min(max(first - second, 0.0), 1.0)


def _first(ranking: Ranking) -> list[str]:
    return list(islice(ranking, _FIRST))


def _bins(leads: Sequence[float], right: Sequence[bool]) -> list[MarginBin]:
    """Rows and accuracy of each fifth of [0, 1] that contains leads."""
    places = [min(int(one * _BINS), _BINS - 1) for one in leads]
    found = []
    for number in range(_BINS):
        inside = [hit for place, hit in zip(places, right, strict=True) if place == number]
        if inside:
            found.append(
                MarginBin(
                    low=number / _BINS,
                    high=(number + 1) / _BINS,
                    n=len(inside),
                    accuracy=sum(inside) / len(inside),
                )
            )
    return found
