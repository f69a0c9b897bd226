"""Where a training runs: in this process, in several local processes, or on several nodes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.errors import IntentflowError
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.storage.completeness import require_replaceable
from intentflow.training.distributed import is_main_process, is_rank, local_processes
from intentflow.training.files import TrainingFiles


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        record: Record that the model directory holds.
        published: Address of the uploaded model; None where none was asked for.
    """

    record: TrainingRecord
    published: str | None = None


def train_as_asked(
    recipe: Recipe, files: TrainingFiles, output: str, publish_to: str | None = None
) -> Trained:
    """Fine-tune on as many devices and nodes as ``recipe.distributed`` says.

    Args:
        recipe: Recipe of the training.
        files: The data.
        output: The model directory to write, completely or not at all.
        publish_to: ``s3://`` prefix that the complete model is then uploaded to; None for none.

    Returns:
        The record, and the model's address where it was uploaded.

    Raises:
        IntentflowError: As :func:`intentflow.training.sft.train`; a process or node failed; the
            cluster or the storage refused.
    """
    from intentflow.training.torchrun import as_rank

    require_replaceable(output)
    if is_rank():
        with as_rank():
            return _published(_train_here(recipe, files, output), output, publish_to)
    return _published(_train_somewhere(recipe, files, output), output, publish_to)


def _train_somewhere(recipe: Recipe, files: TrainingFiles, output: str) -> TrainingRecord:
    if recipe.distributed.nodes > 1:
        from intentflow.training.trainjob.client import train_on_cluster

        return train_on_cluster(recipe, files, output)
    processes = local_processes(recipe.distributed)
    if processes == 1:
        return _train_here(recipe, files, output)
    return _train_in_several(recipe, files, output, processes)


def _train_here(recipe: Recipe, files: TrainingFiles, output: str) -> TrainingRecord:
    from intentflow.training.sft import train

    training, validation = files.rows()
    record = train(recipe, training, validation, output, files.taxonomy)
    if is_main_process():
        calibrate(output, validation, recipe.calibration_rows)
    return record


def calibrate(model: str, validation: Sequence[Example], rows: int) -> None:
    """Fit the confidence of a model that was just written on some of its validation rows.

    Here, and not later, because it belongs to what is published and scored, and the device is at
    hand.

    Args:
        model: The model directory.
        validation: Rows that were not trained on; without any the confidence stays raw.
        rows: The most to answer, taken evenly from all of them; 0 for none.
    """
    if not validation or not rows:
        return
    from intentflow.evaluation.calibrate import calibrate_model
    from intentflow.models.memory import free_memory

    free_memory()  # of the training's own copy of the model
    step = -(-len(validation) // rows)
    calibrate_model(model, validation[::step], engine="transformers")


def _published(record: TrainingRecord, output: str, publish_to: str | None) -> Trained:
    if publish_to is None or not is_main_process():
        return Trained(record)
    from intentflow.training.trainjob.results import publish_result

    return Trained(record, publish_result(output, publish_to))


def _train_in_several(
    recipe: Recipe, files: TrainingFiles, output: str, processes: int
) -> TrainingRecord:
    from intentflow.training.torchrun import launch

    files.rows()  # what is wrong with them is reported at once, before torch starts several times
    if recipe.global_batch_size % processes:
        raise IntentflowError(
            f"global_batch_size {recipe.global_batch_size} does not divide by {processes} devices"
        )
    with tempfile.TemporaryDirectory() as folder:
        arguments = [*write_arguments(recipe, files, Path(folder)), "--output", output]
        launch(arguments, processes)
    return TrainingRecord.read(Path(output) / TRAINING_FILE)


def write_arguments(recipe: Recipe, files: TrainingFiles, folder: Path) -> list[str]:
    """Arguments of ``intentflow train`` for the same training; recipe and taxonomy in a folder."""
    recipe_file, taxonomy_file = folder / "recipe.yaml", folder / "taxonomy.yaml"
    recipe_file.write_text(recipe.model_dump_json(exclude_unset=True), encoding="utf-8")
    arguments = ["--recipe", str(recipe_file), "--train", files.train]
    if files.validation:
        arguments += ["--validation", files.validation]
    if files.taxonomy:
        files.taxonomy.write(taxonomy_file)
        arguments += ["--taxonomy", str(taxonomy_file)]
    return arguments
