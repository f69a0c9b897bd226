"""``intentflow baseline``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from intentflow.artifacts.baselines import BaselineScores
from intentflow.artifacts.metrics import INTENT_ACCURACY
from intentflow.cli.outcome import Outcome
from intentflow.errors import IntentflowError
from intentflow.evaluate.baseline_scores import (
    DEFAULT_RECIPE,
    DEFAULT_SHOTS,
    KINDS,
    LANGUAGE_MODEL_KINDS,
    QUICK_KINDS,
    BaselineOptions,
    parse_kinds,
    run_baselines,
)
from intentflow.recipe.recipe import Recipe
from intentflow.records import read_records
from intentflow.taxonomy import Taxonomy

# Which kinds read which option; for the others it would do nothing without a word.
_READ_BY = {
    "encoder": ("encoder",),
    "epochs": ("encoder",),
    "model": LANGUAGE_MODEL_KINDS,
    "recipe": LANGUAGE_MODEL_KINDS,
    "taxonomy": LANGUAGE_MODEL_KINDS,
    "limit_rows": LANGUAGE_MODEL_KINDS,
    "shots": ("few-shot",),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--train", required=True, metavar="F", help="records to learn from")
    parser.add_argument("--data", required=True, metavar="F", help="records to score on")
    parser.add_argument("-o", "--output", required=True, metavar="F", help="baselines.json")
    parser.add_argument(
        "--kinds",
        default=",".join(QUICK_KINDS),
        metavar="A,B",
        help=f"of {', '.join(KINDS)}, or all (default: {','.join(QUICK_KINDS)})",
    )
    parser.add_argument(
        "--encoder", metavar="NAME", help="hub id or folder (default: bundled:minilm)"
    )
    parser.add_argument(
        "--epochs", type=_positive, metavar="N", help="of the encoder (default: 5 to 20, by rows)"
    )
    parser.add_argument(
        "--recipe",
        metavar="R",
        help=f"base model and prompt of untuned and few-shot (default: {DEFAULT_RECIPE})",
    )
    parser.add_argument(
        "--model", metavar="NAME", help="another base model than the recipe's: hub id or folder"
    )
    parser.add_argument(
        "--taxonomy", metavar="F", help="taxonomy.yaml of untuned and few-shot; inferred if none"
    )
    parser.add_argument(
        "--shots",
        type=_positive,
        metavar="N",
        help=f"labelled rows that few-shot shows (default: {DEFAULT_SHOTS})",
    )
    parser.add_argument(
        "--limit-rows", type=_positive, metavar="N", help="ask untuned and few-shot a sample of N"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="(default: 0)")


def run(args: argparse.Namespace) -> Outcome:
    """Score baselines."""
    started = time.monotonic()
    options = _options(args)
    if Path(args.output).is_dir():
        raise IntentflowError(f"{args.output} is a folder; give a file for the scores")
    found = run_baselines(read_records(args.train), read_records(args.data), options)
    found.write(args.output)
    scores = found.baselines
    summary = {
        "n": found.n,
        INTENT_ACCURACY: {kind: entry.intent_accuracy for kind, entry in scores.items()},
        "seconds": round(time.monotonic() - started, 1),
        "data_digest": found.data_digest,
    }
    return Outcome(summary, text="\n".join(_line(kind, scores[kind]) for kind in scores))


def _options(args: argparse.Namespace) -> BaselineOptions:
    kinds = parse_kinds(args.kinds)
    for option, readers in _READ_BY.items():
        if getattr(args, option) is not None and not set(readers) & set(kinds):
            flag = f"--{option.replace('_', '-')}"
            raise IntentflowError(f"{flag} is for {' and '.join(readers)}: add it to --kinds")
    given = {name: getattr(args, name) for name in ("encoder", "epochs", "shots", "limit_rows")}
    return BaselineOptions(
        kinds=kinds,
        recipe=_recipe(args),
        taxonomy=Taxonomy.from_yaml(args.taxonomy) if args.taxonomy else None,
        seed=args.seed,
        **{name: value for name, value in given.items() if value is not None},
    )


def _recipe(args: argparse.Namespace) -> Recipe:
    recipe = Recipe.load(args.recipe or DEFAULT_RECIPE)
    return recipe.model_copy(update={"model_name_or_path": args.model}) if args.model else recipe


def _line(kind: str, entry: BaselineScores) -> str:
    text = f"{kind:<9} intent {entry.intent_accuracy:.3f}"
    if interval := entry.interval(INTENT_ACCURACY):
        text += f" ({interval[0]:.3f} to {interval[1]:.3f})"
    if entry.parameter_accuracy is not None:
        text += f", parameters {entry.parameter_accuracy:.3f}"
    return f"{text}, {entry.n} rows"


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number above 0")
    return int(text)
