"""Recipes of a data set and of a model from the parameters of a component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intentflow.pipeline.parameters import from_parameter
from intentflow.pipeline.steps.convert import ConvertConfig
from intentflow.pipeline.steps.correct import PreferenceConfig
from intentflow.pipeline.steps.curate import CurateConfig
from intentflow.pipeline.steps.gate_fields import GateConfig
from intentflow.pipeline.steps.recorded_recipes import DataRecipe, ModelRecipe
from intentflow.pipeline.steps.split import SplitConfig
from intentflow.pipeline.steps.train import TrainConfig


def read_data_recipe(
    convert: Mapping[str, Any], curate: Mapping[str, Any], split: Mapping[str, Any]
) -> DataRecipe:
    """The recipe of a data set.

    Args:
        convert: Fields of ConvertConfig.
        curate: Fields of CurateConfig.
        split: Fields of SplitConfig.

    Raises:
        InputError: A key is invalid; the message names the step and the key.

    Example:
        >>> read_data_recipe({}, {}, {"seed": 4}).split.seed
        4
    """
    return DataRecipe(
        convert=from_parameter(ConvertConfig, convert, "convert"),
        curate=from_parameter(CurateConfig, curate, "curate"),
        split=from_parameter(SplitConfig, split, "split"),
    )


def read_model_recipe(
    train: Mapping[str, Any], gate: Mapping[str, Any], preferences: Mapping[str, Any]
) -> ModelRecipe:
    """The recipe of a model.

    Args:
        train: Fields of TrainConfig.
        gate: Fields of GateConfig.
        preferences: Fields of PreferenceConfig; empty without preference tuning.

    Raises:
        InputError: A key is invalid; the message names the step and the key.

    Example:
        >>> gate = {"policy": {"metrics": {"intent_accuracy": {"min": 0.9}}}}
        >>> read_model_recipe({"recipe": "smollm2-135m/lora"}, gate, {}).recipe.method
        'lora'
    """
    settings = from_parameter(TrainConfig, train, "train")
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    tuned = from_parameter(PreferenceConfig, preferences, "correct") if preferences else None
    rules = from_parameter(GateConfig, gate, "gate")
    return ModelRecipe(**given, gate=rules, preferences=tuned)
