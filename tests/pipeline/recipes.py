"""A model's recipe, as components get and record it."""

from __future__ import annotations

from typing import Any

from intentflow.pipeline.parameters import as_parameter
from intentflow.pipeline.steps.recorded_recipes import ModelRecipe
from intentflow.pipeline.steps.train import TrainConfig
from intentflow.recipe.recipe import Recipe

TRAIN = TrainConfig(recipe=Recipe.load("smollm2-135m/lora", ["seed=7"]))
GATE = {"policy": {"minimum_rows": 3, "metrics": {"intent_accuracy": {"min": 0.9}}}}


def train_parameter() -> dict[str, Any]:
    """Fields of a training's configuration."""
    return as_parameter(TRAIN)


def model_recipe(**changes: Any) -> ModelRecipe:
    """The recipe of a model without preference tuning.

    Args:
        changes: Other values of its fields.
    """
    return ModelRecipe.from_mapping({"recipe": TRAIN.recipe, "gate": GATE, **changes}, "recipe")
