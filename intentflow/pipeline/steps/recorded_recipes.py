"""Recipes of a data set and of a model: the configurations that the registry records."""

from __future__ import annotations

from pydantic import Field

from intentflow.config import StrictModel
from intentflow.pipeline.steps.convert import ConvertConfig
from intentflow.pipeline.steps.correct import PreferenceConfig
from intentflow.pipeline.steps.curate import CurateConfig
from intentflow.pipeline.steps.gate_fields import GateConfig
from intentflow.pipeline.steps.split import SplitConfig
from intentflow.pipeline.steps.train import TrainConfig


class DataRecipe(StrictModel):
    """Configurations of the steps that made a data set, by step.

    Example:
        >>> DataRecipe(split=SplitConfig(seed=4)).split.seed
        4
    """

    convert: ConvertConfig = Field(default_factory=ConvertConfig)
    curate: CurateConfig = Field(default_factory=CurateConfig)
    split: SplitConfig = Field(default_factory=SplitConfig)


class ModelRecipe(TrainConfig):
    """Configuration of a model's training, with those of its gate and its preference tuning.

    Example:
        >>> gate = {"policy": {"metrics": {"intent_accuracy": {"min": 0.9}}}}
        >>> ModelRecipe(recipe="smollm2-135m/lora", gate=gate).recipe.method
        'lora'
    """

    gate: GateConfig
    preferences: PreferenceConfig | None = None
