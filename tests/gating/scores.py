"""Scores to judge, as evaluation would write them."""

from __future__ import annotations

from typing import Any

from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Verdict
from intentflow.evaluation.metrics import compute_metrics
from intentflow.evaluation.scored_rows import score_row
from intentflow.gating.decide import ComparisonInputs, decide
from intentflow.gating.policy import GatePolicy
from intentflow.gating.provenance import Given
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


def scores_with(intent: str, parameters: str | None = None, gold: str = "p") -> dict[str, Any]:
    """Scores that tell of each row.

    Args:
        intent: ``1`` for each row whose intent is right.
        parameters: The same for complete answers; the same rows if None.
        gold: The rows' intents by their initials, repeated to the end.
    """
    names = {"p": "play", "r": "rain", "b": "play; rain"}
    parameters = intent if parameters is None else parameters
    initials = (gold * len(intent))[: len(intent)]
    return scores(
        n=len(intent),
        intent_accuracy=intent.count("1") / len(intent),
        parameter_accuracy=parameters.count("1") / len(intent),
        outcomes={
            "intent": intent,
            "parameters": parameters,
            "labels": list(names.values()),
            "gold": [list(names).index(initial) for initial in initials],
        },
    )


def baselines(digest: str = "rows", **entries: dict[str, Any]) -> dict[str, Any]:
    """What ``intentflow baseline`` writes; ``few_shot`` is ``few-shot``."""
    scored = {name.replace("_", "-"): entry for name, entry in entries.items()}
    return {"data_digest": digest, "n": 100, "baselines": scored}


def scores_of(rows: list[tuple[str, str]]) -> dict[str, Any]:
    """Scores of (gold, prediction) rows."""
    scored = [score_row("text", g, p, TAXONOMY) for g, p in rows]
    return compute_metrics(scored, TAXONOMY).as_dict()


def judged(
    metrics: dict[str, Any],
    policy: GatePolicy,
    *,
    champion: dict[str, Any] | None = None,
    baselines: dict[str, Any] | None = None,
    reference: dict[str, Any] | None = None,
    given: Given | None = None,
    name: str = "",
) -> Verdict:
    """What the gate decides about documents."""
    inputs = ComparisonInputs(
        champion=read_scores(champion) if champion else None,
        baselines=Baselines.from_mapping(baselines, "the baselines") if baselines else None,
        reference=read_scores(reference) if reference else None,
        given=given or Given(),
    )
    return decide(read_scores(metrics), policy, inputs, name=name)


def read_scores(document: dict[str, Any]) -> Metrics:
    """A document as a reader has it."""
    return Metrics.from_mapping(document, "the scores")
