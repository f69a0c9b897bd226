"""Fields of the training recipe, apart from others: reading recipes costs start-up time."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from intentflow.config import Flag, Place, from_file
from intentflow.errors import IntentflowError
from intentflow.recipe.recipe import Recipe, recipe_path, shipped_recipes


def is_shipped_recipe(name: str) -> bool:
    """Whether a recipe's name is not a path; a misspelt name is reported when it is read."""
    try:
        return name in shipped_recipes() or not recipe_path(name)
    except IntentflowError:
        return not name.endswith((".yaml", ".yml"))


_RECIPE = "Training recipe: a shipped one (model/method) or a YAML file"

RecipeFile = Annotated[
    Recipe,
    from_file(Recipe.load, Recipe),
    Place(is_shipped_recipe),
    Flag(metavar="NAME|F.yaml"),
    Field(description=_RECIPE),
]

OptionalRecipeFile = Annotated[
    Recipe | None,
    from_file(Recipe.load, Recipe),
    Place(is_shipped_recipe),
    Flag(metavar="NAME|F.yaml"),
    Field(description=_RECIPE),
]
