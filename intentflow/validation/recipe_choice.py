"""Choice of a shipped recipe: the model for the rows' language that the hardware can train."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from intentflow.records import Example
from intentflow.validation.advice import advise
from intentflow.validation.hardware import Hardware
from intentflow.validation.languages import row_languages

SMALL_RECIPE = "smollm2-135m/full"
"""The recipe of the model that comes along, which knows English."""

_LARGE_RECIPES = ("qwen1.5-1.8b-chat/lora", "qwen1.5-1.8b-chat/qlora")
_SAMPLE_ROWS = 2_000


class RecipeChoice(NamedTuple):
    """A shipped recipe for some rows.

    Attributes:
        source: Name of the recipe.
        language: Language of most rows, by its English name; None if it is not known.
        reason: The reason for this model.
    """

    source: str
    language: str | None
    reason: str


def choose_recipe(examples: Sequence[Example], hardware: Hardware) -> RecipeChoice:
    """Choose a shipped recipe for rows and hardware.

    Args:
        examples: The rows.
        hardware: Hardware of the training.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    language = _main_language(examples)
    source, reason = _choice(examples, language, hardware)
    return RecipeChoice(source, language, reason)


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
