"""Launch of a training: in this process, in several local processes, or on several nodes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.errors import InputError
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.storage.completeness import require_replaceable
from intentflow.storage.uris import is_remote, parse_s3
from intentflow.training.distributed import is_main_process, is_rank, local_processes
from intentflow.training.files import TrainingFiles


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes:
        record: Record in the model directory.
        published: URI of the uploaded model; None if it was not uploaded.
    """

    record: TrainingRecord
    published: str | None = None


def launch_training(
    recipe: Recipe, files: TrainingFiles, output: str, publish_to: str | None = None
) -> Trained:
    """Fine-tune on the devices and nodes of ``recipe.distributed``.

    Args:
        recipe: Recipe of the training.
        files: The data.
        output: The model directory, written atomically.
        publish_to: ``s3://`` prefix to upload the complete model to; None for none.

    Returns:
        The record, and the model's URI if it was uploaded.

    Raises:
        InputError: The base model does not exist, rows do not fit, the loss became NaN, or the disk
            is full.
        ServiceError: A process or node failed, or the cluster or the storage refused.
    """
    from intentflow.training.torchrun import as_rank

    require_replaceable(output)
    if publish_to is not None:
        require_bucket(publish_to)
    if is_rank():
        with as_rank():
            return _published(_train_here(recipe, files, output), output, publish_to)
    return _published(_train_somewhere(recipe, files, output), output, publish_to)


def require_bucket(destination: str) -> None:
    """Refuse a destination that is no bucket, before any work is done.

    Raises:
        InputError: The destination is no ``s3://`` address, or has no bucket.
    """
    if not is_remote(destination):
        raise InputError(
            f"--publish {destination}: expected s3://bucket/prefix; intentflow publish copies a "
            "model into a folder"
        )
    parse_s3(destination)


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
        if record.recipe.intent_tokens and recipe.fuse_classifier:
            fuse(output, training, validation)
        calibrate(output, validation, recipe)
    return record


def fuse(model: str, training: Sequence[Example], validation: Sequence[Example]) -> None:
    """Let a classifier of the same rows decide on intents with a new model, where it helps.

    This happens before the calibration, which is that of the answers of both.

    Args:
        model: The model directory.
        training: The rows that it was trained on.
        validation: Rows that were not used for training; without any, nothing is fused.
    """
    from intentflow.evaluation.fuse import fuse_model
    from intentflow.models.memory import free_memory

    free_memory()  # used by the training's own copy of the model
    fuse_model(Path(model), training, validation)


def calibrate(model: str, validation: Sequence[Example], recipe: Recipe) -> None:
    """Calibrate the confidences of a new model on some of its validation rows.

    This happens here because the calibration belongs to the model that is published and scored, and
    because the device is available.

    Args:
        model: The model directory.
        validation: Rows that were not used for training; without any, confidences stay
            uncalibrated.
        recipe: Recipe of the training; at most its ``calibration_rows`` rows are taken, evenly from
            all of them.
    """
    rows = recipe.calibration_rows
    if not validation or not rows:
        return
    from intentflow.evaluation.calibrate import calibrate_model
    from intentflow.models.memory import free_memory

    free_memory()  # used by the training's own copy of the model
    step = -(-len(validation) // rows)
    calibrate_model(
        model,
        validation[::step],
        engine="transformers",
        oos_false_alarm_rate=recipe.oos_false_alarm_rate,
    )


def _published(record: TrainingRecord, output: str, publish_to: str | None) -> Trained:
    if publish_to is None or not is_main_process():
        return Trained(record)
    from intentflow.training.trainjob.results import publish_result

    return Trained(record, publish_result(output, publish_to))


def _train_in_several(
    recipe: Recipe, files: TrainingFiles, output: str, processes: int
) -> TrainingRecord:
    from intentflow.training.torchrun import launch

    files.rows()  # errors in the files are reported before torch starts several times
    if recipe.global_batch_size % processes:
        raise InputError(
            f"global_batch_size {recipe.global_batch_size} is not a multiple of the "
            f"{processes} devices"
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
