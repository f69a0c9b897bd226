"""Train: a model directory from a base model and a recipe."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.config import StrictModel
from intentflow.errors import UsageError
from intentflow.pipeline.steps.fields import TaxonomyFile
from intentflow.pipeline.steps.recipe_fields import RecipeFile

if TYPE_CHECKING:
    from intentflow.artifacts.training import TrainingRecord
    from intentflow.training.launch import Trained


log = logging.getLogger(__name__)


class TrainConfig(StrictModel):
    """Configuration of training.

    Example:
        >>> import intentflow
        >>> config = intentflow.TrainConfig(recipe="smollm2-135m/lora")
        >>> config.recipe.method, config.recipe.lora_r
        ('lora', 64)
        >>> recipe = intentflow.Recipe.load("smollm2-135m/lora", ["lora_r=16"])
        >>> intentflow.TrainConfig(recipe=recipe).recipe.lora_r
        16
    """

    recipe: RecipeFile
    taxonomy: TaxonomyFile = None


def run_train(
    train_set: str | Path,
    model: str | Path,
    config: TrainConfig,
    *,
    validation: str | Path | None = None,
    report: str | Path | None = None,
    publish_to: str | None = None,
) -> Trained:
    r"""Fine-tune a base model.

    Args:
        train_set: Training records, local or ``s3://``; with method dpo, predictions.
        model: Model directory, written atomically.
        config: Recipe and taxonomy.
        validation: Records for the validation loss; None for none.
        report: File for a copy of the training report; None for none.
        publish_to: ``s3://`` prefix to upload the model to; None for none.

    Returns:
        The content of ``training.json`` and, if the model was uploaded, its URI.

    Raises:
        InputError: The recipe, the rows or the base model cannot be used.
        UsageError: Arguments that a correction by ``dpo`` does not take.
        ServiceError: A process, a node, the cluster or the storage failed or refused.
        ModuleNotFoundError: The ``train`` extra is not installed.

    Example:
        With ``model_directory`` a small base model:

        >>> import intentflow
        >>> from pathlib import Path
        >>> rows = "text,intent\nplay jazz,play(jazz)\nrain in Rome,weather(Rome)\n"
        >>> _ = Path("calls.csv").write_text(rows)
        >>> _ = intentflow.convert("calls.csv", "records.jsonl")
        >>> settings = [f"model_name_or_path={model_directory}", "max_steps=2", "precision=fp32"]
        >>> recipe = intentflow.Recipe.load("smollm2-135m/full", settings)
        >>> config = intentflow.TrainConfig(recipe=recipe)
        >>> trained = intentflow.train("records.jsonl", "model", config)
        >>> trained.record.rows.train, Path("model/model.safetensors").is_file()
        (2, True)
    """
    held_out = str(validation) if validation is not None else None
    if config.recipe.method == "dpo":
        trained = _train_on_corrections(str(train_set), str(model), config, held_out, publish_to)
    else:
        from intentflow.training.files import TrainingFiles
        from intentflow.training.launch import launch_training

        files = TrainingFiles(str(train_set), held_out, config.taxonomy)
        trained = launch_training(config.recipe, files, str(model), publish_to)
    if report is not None:
        shutil.copyfile(Path(model) / "training.html", report)
    return trained


def with_start(config: TrainConfig, champion: str) -> TrainConfig:
    """The configuration in which the champion's address replaces ``start_from: champion``.

    Args:
        config: Configuration of a graph.
        champion: Address of the champion; empty if there is none, so that the training begins with
            the base model.

    Example:
        >>> import intentflow
        >>> recipe = intentflow.Recipe.load("smollm2-135m/lora", ["start_from=champion"])
        >>> config = intentflow.TrainConfig(recipe=recipe)
        >>> with_start(config, "s3://m/sha256-0af3").recipe.start_from
        's3://m/sha256-0af3'
    """
    from intentflow.recipe.recipe import CHAMPION

    if config.recipe.start_from != CHAMPION:
        return config
    log.info("the training goes on with %s", champion or "no champion, but the base model")
    recipe = config.recipe.model_copy(update={"start_from": champion or None})
    return config.model_copy(update={"recipe": recipe})


def losses_of(record: TrainingRecord) -> dict[str, float]:
    """Numbers of a training for the Kubeflow page: rows, seconds, speed and the last losses.

    Args:
        record: Content of ``training.json``.
    """
    history = record.history
    found = {
        "rows": record.rows.train,
        "seconds": history.seconds,
        "tokens_per_second": history.tokens_per_second,
        "training_loss": history.last_training_loss,
        "validation_loss": history.last_validation_loss,
    }
    return {name: value for name, value in found.items() if value is not None}


def _train_on_corrections(
    train_set: str, model: str, config: TrainConfig, validation: str | None, publish_to: str | None
) -> Trained:
    from intentflow.training.dpo import train_on_corrections
    from intentflow.training.launch import Trained

    if publish_to:
        raise UsageError("--publish does not support method dpo: run `intentflow publish` later")
    if config.taxonomy:
        raise UsageError(
            "method dpo takes no --taxonomy: the corrected model has its own; leave the option out"
        )
    return Trained(train_on_corrections(config.recipe, train_set, model, validation))
