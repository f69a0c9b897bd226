"""``intentflow train``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from intentflow.cli.config_flags import add_config_flags, read_config
from intentflow.cli.outcome import Outcome
from intentflow.cli.paths import refuse_inputs_inside
from intentflow.cli.set_flag import add_set_flag
from intentflow.errors import InputError
from intentflow.pipeline.steps.train import TrainConfig, run_train
from intentflow.recipe.recipe import Recipe
from intentflow.storage import is_remote
from intentflow.training.distributed import is_main_process
from intentflow.training.launch import Trained


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_flags(parser, TrainConfig)
    parser.add_argument(
        "--train",
        required=True,
        metavar="F",
        help="training records; with method dpo, predictions",
    )
    parser.add_argument("--validation", metavar="F", help="records for the validation loss")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="model directory")
    parser.add_argument(
        "--publish",
        metavar="S3",
        help="upload the trained model to s3://bucket/prefix/sha256-DIGEST",
    )
    add_set_flag(parser, Recipe, "override a key of the recipe")


def run(args: argparse.Namespace) -> Outcome:
    """Fine-tune a model."""
    refuse_inputs_inside(args, "train", "validation", "taxonomy", "recipe")
    for path in (args.train, args.validation):
        if path and not is_remote(path) and not Path(path).exists():
            raise InputError(f"{path}: No such file or directory")
    config = read_config(args, TrainConfig, recipe=Recipe.load(args.recipe, args.set))
    trained = run_train(
        args.train,
        args.output,
        config,
        validation=args.validation,
        publish_to=args.publish,
    )
    if not is_main_process():  # the main process of the training prints the result
        return Outcome(text="")
    return Outcome(_summary(trained, args.output))


def _summary(trained: Trained, output: str) -> dict[str, Any]:
    record, history = trained.record, trained.record.history
    return {
        "model": output,
        "rows": record.rows.train,
        "training_loss": history.last_training_loss,
        "validation_loss": history.last_validation_loss,
        "seconds": history.seconds,
        "tokens_per_second": history.tokens_per_second,
        "prompt_digest": record.prompt_digest,
        "data_digest": record.data_digest,
        **({"published": trained.published} if trained.published else {}),
    }
