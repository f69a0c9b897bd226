"""``intentflow train``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from intentflow.cli.outcome import Outcome
from intentflow.cli.paths import refuse_inputs_inside
from intentflow.errors import IntentflowError
from intentflow.recipe.recipe import Recipe
from intentflow.storage import is_remote
from intentflow.taxonomy import Taxonomy
from intentflow.train.distributed import is_main_process
from intentflow.train.files import TrainingFiles
from intentflow.train.launch import Trained, train_as_asked


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--recipe", required=True, help="a shipped recipe (model/method) or a file")
    parser.add_argument(
        "--train",
        required=True,
        metavar="F",
        help="records to learn from; with method dpo predictions",
    )
    parser.add_argument("--validation", metavar="F", help="records for the validation loss")
    parser.add_argument("--taxonomy", metavar="F", help="taxonomy.yaml; inferred unless given")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="model directory")
    parser.add_argument(
        "--publish", metavar="S3", help="then upload the model to s3://bucket/prefix, by digest"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a recipe key"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Fine-tune a model."""
    refuse_inputs_inside(args, "train", "validation", "taxonomy", "recipe")
    for path in (args.train, args.validation):
        if path and not is_remote(path) and not Path(path).exists():
            raise IntentflowError(f"{path}: No such file or directory")
    recipe = Recipe.load(args.recipe, args.set)
    trained = _train(recipe, args)
    if not is_main_process():  # another one of this training says what came of it
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


def _train(recipe: Recipe, args: argparse.Namespace) -> Trained:
    if recipe.method == "dpo":
        from intentflow.train.dpo import train_on_corrections

        if args.publish:
            raise IntentflowError("--publish: with method dpo run intentflow publish afterwards")
        if args.taxonomy:
            raise IntentflowError("--taxonomy: the model that is corrected has its own")
        return Trained(train_on_corrections(recipe, args.train, args.output, args.validation))
    taxonomy = Taxonomy.from_yaml(args.taxonomy) if args.taxonomy else None
    files = TrainingFiles(args.train, args.validation, taxonomy)
    return train_as_asked(recipe, files, args.output, args.publish)
