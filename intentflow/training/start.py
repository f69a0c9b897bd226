"""The model that a training goes on with, in place of its base model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.errors import InputError, IntentflowError, UsageError, kind_of
from intentflow.models.base_models import load_tokenizer, resolve_base_model
from intentflow.models.directory import check_model_directory
from intentflow.models.model_facts import weight_format
from intentflow.recipe.recipe import CHAMPION, Recipe
from intentflow.storage import digest_of
from intentflow.storage.uris import digest_in_name

# Of another value, the weights that it learned under would be of no use, or wrong.
_SAME = ("model_name_or_path", "output_format", "taxonomy_in_prompt", "language", "system_prompt")


@dataclass(frozen=True)
class StartingModel:
    """The model that a training goes on with.

    Attributes:
        folder: Directory of the model.
        digest: Digest of its content.
    """

    folder: Path
    digest: str


def starting_model(recipe: Recipe) -> StartingModel | None:
    """Check the model of ``start_from``, whose tokens and prompt the new one keeps.

    Intents that it does not know get tokens of their own, as with a base model.

    Args:
        recipe: Recipe of the training.

    Returns:
        The model; None for a training from the base model.

    Raises:
        UsageError: The model is the champion, which is known in graphs alone.
        InputError: The model is none of intentflow, is quantized, or was trained from another base
            model or with another prompt or tokenizer.
    """
    name = recipe.start_from
    if name is None:
        return None
    if name == CHAMPION:
        raise UsageError(
            "start_from: champion is known to graphs with a registry alone (intentflow run): give "
            "the folder or the s3:// address of the model, or leave it out"
        )
    folder = _checked(name)
    if quantized := weight_format(str(folder)):
        raise InputError(
            f"start_from: {name} is quantized ({quantized}) and cannot be trained: give the 16-bit "
            "model, or leave start_from out"
        )
    _require_same_settings(name, TrainingRecord.read(folder / TRAINING_FILE), recipe)
    _require_same_tokenizer(name, folder, recipe)
    return StartingModel(folder, digest_in_name(name) or digest_of(str(folder)))


def _checked(name: str) -> Path:
    try:
        return check_model_directory(resolve_base_model(name))
    except IntentflowError as error:
        raise kind_of(error)(
            f"start_from: {error} (give a model that intentflow train wrote, or leave start_from "
            "out)"
        ) from None


def _require_same_settings(name: str, record: TrainingRecord, recipe: Recipe) -> None:
    labelled = record.on_labels.recipe
    before, now = labelled.model_dump(), recipe.model_dump()
    for key in _SAME:
        if key in before and before[key] != now[key]:
            raise InputError(
                f"start_from: {name} was trained with {key} {_shown(before[key])}, and the recipe "
                f"has {_shown(now[key])}: leave start_from out to train from the base model"
            )
    wanted = recipe.intent_tokens
    if wanted is not None and wanted != bool(labelled.intent_tokens):
        raise InputError(
            f"start_from: {name} was trained {_with(labelled.intent_tokens)} intent_tokens, "
            "and the recipe asks for the contrary: leave start_from out"
        )


def _require_same_tokenizer(name: str, folder: Path, recipe: Recipe) -> None:
    """Check that the base model's words have their numbers; tokens of intents come after them."""
    base, own = load_tokenizer(recipe.model_name_or_path), load_tokenizer(str(folder))
    if not base.get_vocab().items() <= own.get_vocab().items():
        raise InputError(
            f"start_from: the tokenizer of {name} is not that of {recipe.model_name_or_path}, "
            "which may have changed since: leave start_from out"
        )


def _shown(value: object) -> str:
    return "none" if value is None else str(value)


def _with(tokens: bool | None) -> str:
    return "with" if tokens else "without"
