"""Ranked intents on the page."""

from __future__ import annotations

from typing import Any

from intentflow.artifacts.confidence_scores import FusedScores, RankingScores
from intentflow.evaluation.report.wording import percent


def ranking_table(scores: RankingScores | None) -> dict[str, Any] | None:
    """A sentence about the first three intents, and accuracy by the first one's lead.

    Returns:
        None without a ranking.
    """
    if scores is None:
        return None
    return {
        "top3": percent(scores.top3_accuracy),
        "margin": percent(scores.median_margin),
        "fused": _fused_sentence(scores.fused),
        "rows": [
            [f"{percent(one.low, 0)} – {percent(one.high, 0)}", f"{one.n:,}", percent(one.accuracy)]
            for one in scores.margins
        ],
    }


def _fused_sentence(fused: FusedScores | None) -> str | None:
    if fused is None:
        return None
    return (
        f"A linear classifier decides with the model: the first intent is right in "
        f"{percent(fused.fused_accuracy)} of the rows, without it in {percent(fused.own_accuracy)} "
        f"(rows won: {fused.won:,}, lost: {fused.lost:,})."
    )
