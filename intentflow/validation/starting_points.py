"""Starting values of hyper-parameters for a model: those of the shipped recipes, the only table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from intentflow.recipe.recipe import Recipe, shipped_recipes
from intentflow.validation.hardware import parameter_count

DEFAULT_RECIPE = "qwen1.5-1.8b-chat/lora"
"""The recipe whose model and method advice is for, unless one is given: the training guide's."""

_METHODS = ("full", "lora", "qlora")


@dataclass(frozen=True)
class StartingPoints:
    """The shipped recipes whose values a model begins with.

    Attributes:
        recipes: Recipe by method: full, lora, qlora and dpo.
        source: Names of these recipes, and the reason where they are of another model.
    """

    recipes: dict[str, Recipe]
    source: str

    @classmethod
    def of(cls, model: str) -> StartingPoints:
        """The recipes shipped for a model; for another one, those of the nearest size.

        Args:
            model: ``model_name_or_path`` of the model.

        Example:
            >>> points = StartingPoints.of("meta-llama/Meta-Llama-3-8B-Instruct")
            >>> points.recipes["qlora"].learning_rate, points.source
            (0.0002, 'recipes llama-3-8b/*')
        """
        families = _families()
        for name, recipes in families.items():
            if any(recipes[method].model_name_or_path == model for method in _METHODS):
                return cls(recipes, f"recipes {name}/*")
        weights = parameter_count(model)
        if weights is None:
            name, reason = DEFAULT_RECIPE.partition("/")[0], "whose size is not known"
        else:
            name, reason = _nearest(weights, families), "and these are the nearest in size"
        return cls(families[name], f"recipes {name}/*: there are none for {model}, {reason}")


@cache
def _families() -> dict[str, dict[str, Recipe]]:
    found: dict[str, dict[str, Recipe]] = {}
    for name in shipped_recipes():
        family, _, method = name.partition("/")
        found.setdefault(family, {})[method] = Recipe.load(name)
    return found


def _nearest(weights: int, families: dict[str, dict[str, Recipe]]) -> str:
    """The family whose size differs from this number of weights by the smallest factor."""

    def distance(name: str) -> float:
        own = parameter_count(families[name]["full"].model_name_or_path)
        return abs(math.log(own / weights)) if own else math.inf

    return min(families, key=distance)
