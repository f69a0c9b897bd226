"""Scores to judge, as evaluation would write them."""

from __future__ import annotations

from typing import Any

from intentflow.evaluate.metrics import compute_metrics, score_row
from intentflow.taxonomy import Taxonomy

TAXONOMY = Taxonomy.from_mapping(
    {
        "intents": {
            "play": {"parameters": ["artist"]},
            "rain": {"parameters": ["place"]},
            "oos": {},
        },
        "out_of_scope": "oos",
    },
    "taxonomy",
)


def scores(**changes: Any) -> dict[str, Any]:
    """Scores of a good model on 100 rows."""
    intent = {"precision": 0.9, "recall": 0.9, "f1": 0.9, "support": 50}
    return {
        "n": 100,
        "intent_accuracy": 0.9,
        "parameter_accuracy": 0.7,
        "documented": {"intent_accuracy": 0.9, "parameter_accuracy": 0.65},
        "off_taxonomy_rate": 0.0,
        "oos_recall": None,
        "per_intent": {"play": dict(intent), "rain": dict(intent)},
        "confusion": [{"gold": "play", "predicted": "rain", "count": 5, "examples": []}],
        "data_digest": "rows",
        "model_digest": "model",
        "prompt_digest": "prompt",
        "constrained": True,
        "engine": "transformers",
        **changes,
    }


def scores_of(rows: list[tuple[str, str]]) -> dict[str, Any]:
    """Scores of (gold, prediction) rows."""
    return compute_metrics([score_row("text", g, p, TAXONOMY) for g, p in rows], TAXONOMY)
