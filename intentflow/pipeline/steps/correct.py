"""Correct: preference tuning of a trained model with the answers that people have changed.

Rows keep the model's answer that a person saw, a pre-label or an answer of the service. Where the
label is another, both are a pair for ``dpo``. The pairs are of training rows alone: rows of the
test set, rows of erased persons and labels that a later one has replaced are none.
"""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from intentflow.config import Flag, StrictModel
from intentflow.pipeline.steps.recipe_fields import RecipeFile

if TYPE_CHECKING:
    from intentflow.artifacts.predictions import GivenPrediction
    from intentflow.artifacts.training import TrainingRecord
    from intentflow.recipe.recipe import Recipe
    from intentflow.records import Example
    from intentflow.taxonomy import Taxonomy

log = logging.getLogger(__name__)


class PreferenceConfig(StrictModel):
    """Configuration of the preference tuning of a graph's trained model.

    Example:
        >>> PreferenceConfig(recipe="smollm2-135m/dpo").minimum_pairs
        20
    """

    recipe: RecipeFile
    minimum_pairs: Annotated[int, Flag(metavar="N")] = Field(
        20, ge=1, description="Number of corrected training rows below which the model stays as is"
    )

    @model_validator(mode="after")
    def _corrects(self) -> Self:
        if self.recipe.method != "dpo":
            raise ValueError(
                f"recipe: preferences need method: dpo, and this is method: {self.recipe.method}"
            )
        return self


@dataclass
class Preferences:
    """Rows of a data set by what preference tuning does with them.

    Attributes:
        pairs: Rows whose label is another than the model's answer, with that answer.
        others: Rows without a correction, whose labels the model has to keep.
        unknown: Number of corrections to intents, or numbers of parameters, that the model lacks.
    """

    pairs: list[GivenPrediction] = field(default_factory=list)
    others: list[GivenPrediction] = field(default_factory=list)
    unknown: int = 0

    def with_anchors(self, seed: int) -> list[GivenPrediction]:
        """The pairs, then a few other rows for each, drawn with the seed."""
        from intentflow.training.dpo import ANCHORS_PER_CORRECTION

        count = min(len(self.others), ANCHORS_PER_CORRECTION * len(self.pairs))
        return [*self.pairs, *random.Random(seed).sample(self.others, count)]


def preferences_of(rows: Sequence[Example], taxonomy: Taxonomy) -> Preferences:
    """Find the corrections among labelled rows.

    Args:
        rows: Rows, some with a model's answer.
        taxonomy: Intents of the model to tune.

    Example:
        >>> from intentflow.records import Example
        >>> from intentflow.taxonomy import Taxonomy
        >>> rows = [Example("halt", "stop()", prediction="play()"), Example("go", "play()")]
        >>> found = preferences_of(rows, Taxonomy.infer(rows))
        >>> [pair.prediction for pair in found.pairs], len(found.others)
        (['play()'], 1)
    """
    from intentflow.artifacts.predictions import GivenPrediction
    from intentflow.curation.dedup import label_key

    found = Preferences()
    for row in rows:
        answer = row.prediction or row.output
        given = GivenPrediction(instruction=row.instruction, output=row.output, prediction=answer)
        is_corrected = label_key(answer) != label_key(row.output)
        if not _knows(taxonomy, row.output):
            found.unknown += is_corrected
        elif is_corrected:
            found.pairs.append(given)
        else:
            found.others.append(given.model_copy(update={"prediction": row.output}))
    return found


def run_correct(
    model: str | Path,
    train_set: str | Path,
    corrected: str | Path,
    config: PreferenceConfig,
    *,
    validation: str | Path | None = None,
) -> TrainingRecord | None:
    """Tune a trained model with the corrections among its training rows.

    Args:
        model: The model directory.
        train_set: The rows it was trained on; their ``prediction`` is the answer that was changed.
        corrected: The model directory to write: merged weights, without the adapter, whose base is
            a model that is not kept. A copy of ``model`` if there are too few corrections.
        config: Recipe, and the number of corrections that it takes.
        validation: Records for the validation loss and the calibration; None for none.

    Returns:
        The content of ``training.json``; None if there are too few corrections.

    Raises:
        InputError: A file cannot be read, the model is none of intentflow, or rows do not fit.
        ModuleNotFoundError: The ``train`` extra is not installed.
    """
    from intentflow.records import read_records
    from intentflow.taxonomy import Taxonomy

    taxonomy = Taxonomy.from_yaml(Path(model) / "taxonomy.yaml")
    found = preferences_of(read_records(train_set), taxonomy)
    if found.unknown:
        log.warning(
            "%d corrections are left out: their intents, or numbers of parameters, are not in the "
            "model's taxonomy",
            found.unknown,
        )
    if len(found.pairs) < config.minimum_pairs:
        log.info(
            "no preference tuning: the training rows have %d corrections, and minimum_pairs is %d",
            len(found.pairs),
            config.minimum_pairs,
        )
        shutil.copytree(model, corrected, dirs_exist_ok=True)
        return None
    held_out = read_records(validation) if validation else []
    recipe = config.recipe.model_copy(update={"model_name_or_path": str(model)})
    record = _tuned(recipe, found, preferences_of(held_out, taxonomy), corrected)
    shutil.rmtree(Path(corrected) / "adapter")
    _calibrate(corrected, held_out, recipe)
    return record


def _tuned(
    recipe: Recipe, found: Preferences, held_out: Preferences, corrected: str | Path
) -> TrainingRecord:
    from intentflow.artifacts.document import write_lines
    from intentflow.training.dpo import train_on_corrections

    if recipe.early_stopping_patience is not None and not held_out.pairs:
        log.warning("no early stopping: no validation row is corrected")
        recipe = recipe.model_copy(update={"early_stopping_patience": None})
    with tempfile.TemporaryDirectory() as folder:
        pairs, others = Path(folder) / "pairs.jsonl", Path(folder) / "validation.jsonl"
        write_lines(pairs, found.with_anchors(recipe.seed))
        write_lines(others, held_out.pairs)
        validation = others if held_out.pairs else None
        return train_on_corrections(recipe, pairs, corrected, validation)


def _calibrate(model: str | Path, validation: Sequence[Example], recipe: Recipe) -> None:
    from intentflow.training.launch import calibrate

    calibrate(str(model), validation, recipe)


def _knows(taxonomy: Taxonomy, label: str) -> bool:
    """Whether a label is calls that the taxonomy accepts."""
    from intentflow.calls import CallSyntaxError, parse_calls

    try:
        return all(map(taxonomy.accepts, parse_calls(label)))
    except CallSyntaxError:
        return False
