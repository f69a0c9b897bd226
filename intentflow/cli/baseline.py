"""``intentflow baseline``."""

from __future__ import annotations

import argparse
import time

from intentflow.artifacts.baselines import BaselineScores
from intentflow.artifacts.metrics import INTENT_ACCURACY
from intentflow.baselines.kinds import DEFAULT_RECIPE
from intentflow.cli.config_flags import add_config_flags, given_fields, read_config
from intentflow.cli.outcome import Outcome
from intentflow.errors import UsageError
from intentflow.pipeline.steps.baseline import BaselineConfig, run_baseline, unread_settings
from intentflow.printable import NO_VALUE
from intentflow.recipe.recipe import Recipe
from intentflow.report.text_table import text_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--train", required=True, metavar="F", help="training records")
    parser.add_argument("--data", required=True, metavar="F", help="test records")
    parser.add_argument(
        "-o", "--output", required=True, metavar="F", help="scores to write: baselines.json"
    )
    add_config_flags(parser, BaselineConfig, defaults={"recipe": DEFAULT_RECIPE})
    parser.add_argument(
        "--model",
        default=argparse.SUPPRESS,
        metavar="NAME",
        help="base model instead of the recipe's: hub id or folder",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Score baselines."""
    started = time.monotonic()
    found = run_baseline(args.train, args.data, args.output, _config(args))
    scores = found.baselines
    summary = {
        "n": found.n,
        INTENT_ACCURACY: {kind: entry.intent_accuracy for kind, entry in scores.items()},
        "seconds": round(time.monotonic() - started, 1),
        "data_digest": found.data_digest,
    }
    head = ("baseline", "intents", "95 % interval", "parameters", "rows")
    rows = [_cells(kind, entry) for kind, entry in scores.items()]
    return Outcome(summary, text="\n".join(text_table(rows, head)))


def _config(args: argparse.Namespace) -> BaselineConfig:
    given = given_fields(args, BaselineConfig)
    kinds = BaselineConfig.model_validate(
        {"kinds": given["kinds"]} if "kinds" in given else {}
    ).kinds
    named = [*given, "model"] if hasattr(args, "model") else [*given]
    for option, readers in unread_settings(named, kinds):
        flag = f"--{option.replace('_', '-')}"
        raise UsageError(f"{flag} needs {' or '.join(readers)} in --kinds")
    return read_config(args, BaselineConfig, recipe=_recipe(args))


def _recipe(args: argparse.Namespace) -> Recipe:
    recipe = Recipe.load(getattr(args, "recipe", DEFAULT_RECIPE))
    if not hasattr(args, "model"):
        return recipe
    return recipe.model_copy(update={"model_name_or_path": args.model})


def _cells(kind: str, entry: BaselineScores) -> tuple[str, ...]:
    interval = " to ".join(f"{end:.3f}" for end in entry.interval(INTENT_ACCURACY) or ())
    parameters = entry.parameter_accuracy
    shown = NO_VALUE if parameters is None else f"{parameters:.3f}"
    return kind, f"{entry.intent_accuracy:.3f}", interval, shown, str(entry.n)
