"""Draft of a recipe: the model for the rows' language that this computer can train."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from intentflow.prompts import Language
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.validation.advice import advise
from intentflow.validation.hardware import Hardware
from intentflow.validation.languages import row_languages

SMALL_RECIPE = "smollm2-135m/full"
"""The recipe of the model that comes along, which knows English."""

_LARGE_RECIPES = ("qwen1.5-1.8b-chat/lora", "qwen1.5-1.8b-chat/qlora")
_PROMPT_LANGUAGES: dict[str, Language] = {"Chinese": "zh", "Indonesian": "id"}
_SAMPLE_ROWS = 2_000
_MIN_STEPS = 100
_MAX_EPOCHS = 10


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
    language = _main_language(examples)
    source, reason = _choice(examples, language, devices)
    shipped = Recipe.load(source)
    batch = min(shipped.global_batch_size, advise(examples, hardware=devices).global_batch_size)
    enough = math.ceil(_MIN_STEPS * batch / max(1, len(examples)))
    epochs = min(max(shipped.num_train_epochs, enough), max(_MAX_EPOCHS, shipped.num_train_epochs))
    changes = {
        "global_batch_size": batch,
        "num_train_epochs": epochs,
        "taxonomy_in_prompt": "names",
        "language": _PROMPT_LANGUAGES.get(language or "", "en"),
    }
    return RecipeDraft(shipped.model_copy(update=changes), source, language, reason)


def _main_language(examples: Sequence[Example]) -> str | None:
    step = -(-len(examples) // _SAMPLE_ROWS) or 1
    found = Counter(row_languages([row.instruction for row in examples[::step]]))
    del found[None]
    return found.most_common(1)[0][0] if found else None


def _choice(
    examples: Sequence[Example], language: str | None, hardware: Hardware
) -> tuple[str, str]:
    """The name of a shipped recipe, and the reason."""
    if hardware.kind == "cpu" and language in (None, "English"):
        return SMALL_RECIPE, f"{hardware}: the model that comes along trains in minutes"
    fits = advise(examples, hardware=hardware).per_device_train_batch_size
    for name in _LARGE_RECIPES:
        method = name.partition("/")[2]
        if fits.get(method) and (method != "qlora" or hardware.kind == "cuda"):
            known = (
                "" if hardware.kind == "cuda" else f", and the bundled model knows no {language}"
            )
            return name, f"{hardware}{known}; the model comes from the Hugging Face hub"
    return SMALL_RECIPE, (
        f"{hardware} has too little memory for a larger model; the bundled one knows English only"
    )
