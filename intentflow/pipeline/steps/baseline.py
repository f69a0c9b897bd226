"""The step that scores baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intentflow.artifacts.metrics import INTENT_ACCURACY
from intentflow.evaluate.baseline_scores import (
    BaselineOptions,
    parse_kinds,
    run_baselines,
)
from intentflow.pipeline.steps.data import read_taxonomy
from intentflow.recipe.recipe import Recipe
from intentflow.records import read_records


def run_baseline(
    train_set: str,
    test_set: str,
    kinds: Sequence[str],
    recipe: Mapping[str, Any],
    taxonomy: Mapping[str, Any],
    options: Mapping[str, Any],
    baselines: str,
) -> dict[str, float]:
    """Score baselines and write ``baselines.json``.

    Args:
        train_set: Records to learn from.
        test_set: Records to score.
        kinds: Which baselines.
        recipe: Base model and prompt of the untuned kinds; empty for the default.
        taxonomy: Their intents; empty if unknown.
        options: More of :class:`intentflow.evaluate.baseline_scores.BaselineOptions`; empty text
            and 0 for its defaults.
        baselines: Where the file goes.

    Returns:
        Intent accuracy by kind, under names that the Kubeflow page shows.
    """
    given = {name: value for name, value in options.items() if value}
    if recipe:
        given["recipe"] = Recipe.from_mapping(recipe, "recipe")
    asked = BaselineOptions(
        kinds=parse_kinds(",".join(kinds)), taxonomy=read_taxonomy(taxonomy), **given
    )
    found = run_baselines(read_records(train_set), read_records(test_set), asked)
    found.write(baselines)
    return {
        f"{kind}_{INTENT_ACCURACY}": entry.intent_accuracy or 0.0
        for kind, entry in found.baselines.items()
    }
