"""Draft of a recipe: the model for the rows' language that this computer can train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intentflow.prompts import Language
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.validation.advice import advise
from intentflow.validation.hardware import Hardware
from intentflow.validation.recipe_choice import choose_recipe

_PROMPT_LANGUAGES: dict[str, Language] = {"Chinese": "zh", "Indonesian": "id"}


@dataclass(frozen=True)
class RecipeDraft:
    """A recipe for some rows.

    Attributes:
        recipe: The recipe.
        source: Name of the shipped recipe that it follows.
        language: Language of most rows, by its English name; None if it is not known.
        reason: Why this model was chosen.
    """

    recipe: Recipe
    source: str
    language: str | None
    reason: str


def draft_recipe(examples: Sequence[Example], hardware: Hardware | None = None) -> RecipeDraft:
    """Choose a shipped recipe, and fit its batch and its epochs to the number of rows.

    Args:
        examples: The rows.
        hardware: Hardware of the training; that of this computer if None.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    devices = hardware or Hardware.detect()
    source, language, reason = choose_recipe(examples, devices)
    shipped = Recipe.load(source)
    advice = advise(examples, recipe=shipped, hardware=devices)
    changes = {
        "global_batch_size": advice.global_batch_size,
        "num_train_epochs": advice.num_train_epochs[shipped.method],
        "taxonomy_in_prompt": "names",
        "language": _PROMPT_LANGUAGES.get(language or "", "en"),
    }
    return RecipeDraft(shipped.model_copy(update=changes), source, language, reason)
