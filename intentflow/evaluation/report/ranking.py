"""Ranked intents on the page."""

from __future__ import annotations

from typing import Any

from intentflow.artifacts.metrics import RankingScores
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
        "rows": [
            [f"{percent(one.low, 0)} – {percent(one.high, 0)}", f"{one.n:,}", percent(one.accuracy)]
            for one in scores.margins
        ],
    }
