"""A model with intent tokens, the same fused with its classifier, and the classifier alone.

Of each set and seed some rows of each intent are drawn; a sixth of them is for validation. All
three answer the same test rows. A line of JSON is written for each set and seed as it is done, and
those in the file are not repeated: the command can be stopped and started again. Exit status 1 if
fused is more than 0.003 below the better of the other two in a set.

    python benchmarks/quality.py -o quality.jsonl [--pair TRAIN.json TEST.json]… [--seeds 0 1 2]
        [--rows-an-intent 25] [--test-rows N] [--recipe smollm2-135m/full] [--set key=value …]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples import EXAMPLE_TEST, example_training_rows

from intentflow.artifacts.fusion import CLASSIFIER_FILE
from intentflow.artifacts.metrics import (
    INTENT_ACCURACY,
    PARAMETER_ACCURACY,
    TOP3_ACCURACY,
    Metrics,
    name_of,
)
from intentflow.baselines.labels import LabelledTexts, intents_label
from intentflow.baselines.linear import answer_by_linear
from intentflow.evaluation.run import evaluate_model, score
from intentflow.inference.engines import Answer
from intentflow.inference.subject import Subject
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example, read_records, write_records
from intentflow.training.files import TrainingFiles
from intentflow.training.launch import launch_training

RANKING = name_of(lambda metrics: metrics.ranking)
SCORES = (
    INTENT_ACCURACY,
    name_of(lambda metrics: metrics.parameter_f1),
    PARAMETER_ACCURACY,
    name_of(lambda metrics: metrics.rows_per_second),
)
TOLERANCE = 0.003
_VALIDATION_SHARE = 6


@dataclass(frozen=True)
class Draw:
    """The rows of one set and seed."""

    name: str
    seed: int
    training: list[Example]
    validation: list[Example]
    test: list[Example]


def draw(
    name: str,
    seed: int,
    rows: Sequence[Example],
    test: Sequence[Example],
    per_intent: int | None,
    test_rows: int | None,
) -> Draw:
    """Draw rows of each intent, every sixth of them for validation, and test rows."""
    order = random.Random(seed)
    groups: dict[str | None, list[Example]] = defaultdict(list)
    for row in order.sample(rows, len(rows)):
        groups[intents_label(row.output)].append(row)
    training: list[Example] = []
    validation: list[Example] = []
    for group in groups.values():
        for place, row in enumerate(group[:per_intent]):
            (training if (place + 1) % _VALIDATION_SHARE else validation).append(row)
    drawn = order.sample(test, min(test_rows or len(test), len(test)))
    return Draw(name, seed, training, validation, drawn)


def measure(rows: Draw, recipe: Recipe) -> dict[str, Any]:
    """Train, and score the three on the same rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_records(folder / "train.jsonl", rows.training)
        write_records(folder / "validation.jsonl", rows.validation)
        files = TrainingFiles(str(folder / "train.jsonl"), str(folder / "validation.jsonl"))
        trained = launch_training(recipe, files, str(folder / "model"))
        is_fused = (folder / "model" / CLASSIFIER_FILE).is_file()
        fused = evaluate_model(str(folder / "model"), rows.test, engine="transformers").metrics
        shutil.rmtree(folder / "model" / "classifier", ignore_errors=True)
        tuned = evaluate_model(str(folder / "model"), rows.test, engine="transformers").metrics
    return {
        "set": rows.name,
        "seed": rows.seed,
        "rows": [len(rows.training), len(rows.validation), len(rows.test)],
        "is_fused": is_fused,
        "linear": _scores(_linear(rows)),
        "tuned": _scores(tuned),
        "fused": _scores(fused),
        TOP3_ACCURACY: fused.value(f"{RANKING}.{TOP3_ACCURACY}"),
        "won": fused.value(f"{RANKING}.fused.won"),
        "lost": fused.value(f"{RANKING}.fused.lost"),
        "training_seconds": trained.record.history.seconds,
        "load": round(os.getloadavg()[0], 1),
    }


def _linear(rows: Draw) -> Metrics:
    """The baseline of the same training rows, as the graph scores it."""
    labelled = LabelledTexts.of(rows.training)
    texts = answer_by_linear(labelled, [row.instruction for row in rows.test]).texts
    answers = [Answer(text, 0.0) for text in texts]
    return score(rows.test, answers, Subject("linear", constrained=False)).metrics


def _scores(metrics: Metrics) -> dict[str, float | None]:
    return {name: metrics.value(name) for name in SCORES}


def below_floor(found: Sequence[dict[str, Any]]) -> list[str]:
    """Sets whose mean over seeds is below the better of the other two."""
    reasons = []
    for name in dict.fromkeys(one["set"] for one in found):
        seeds = [one for one in found if one["set"] == name]
        means = {
            arm: sum(one[arm][INTENT_ACCURACY] for one in seeds) / len(seeds)
            for arm in ("linear", "tuned", "fused")
        }
        if means["fused"] < max(means["linear"], means["tuned"]) - TOLERANCE:
            reasons.append(f"{name}: {means}")
    return reasons


def _draws(options: argparse.Namespace) -> Iterator[Draw]:
    with tempfile.TemporaryDirectory() as folder:
        pairs = options.pair or [[str(example_training_rows(Path(folder))), str(EXAMPLE_TEST)]]
        sets = [
            (Path(train).name, read_records(train), read_records(test)) for train, test in pairs
        ]
    for name, rows, test in sets:
        for seed in options.seeds:
            yield draw(name, seed, rows, test, options.rows_an_intent, options.test_rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--pair", nargs=2, action="append", metavar=("TRAIN", "TEST"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rows-an-intent", type=int)
    parser.add_argument("--test-rows", type=int)
    parser.add_argument("--recipe", default="smollm2-135m/full")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    lines = options.output.read_text().splitlines() if options.output.exists() else []
    found = [json.loads(line) for line in lines]
    done = {(one["set"], one["seed"]) for one in found}
    for rows in _draws(options):
        if (rows.name, rows.seed) in done:
            continue
        recipe = Recipe.load(options.recipe, [f"seed={rows.seed}", *options.set])
        found.append(measure(rows, recipe))
        with options.output.open("a") as out:
            out.write(json.dumps(found[-1]) + "\n")
        print(json.dumps(found[-1]), flush=True)
    for reason in (reasons := below_floor(found)):
        print(f"below the better of both: {reason}", file=sys.stderr)
    return bool(reasons)


if __name__ == "__main__":
    sys.exit(main())
