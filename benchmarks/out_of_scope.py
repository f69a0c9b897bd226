"""Out of scope: how much of it the threshold finds, and what it costs in scope.

Rows of each intent are drawn as in quality.py; a model is trained on them with its classifier, and
its threshold is chosen on the validation rows that are in scope. With ``--leave-out`` a share of
the intents is left out of the training, and their test rows are out of scope: near ones. With
``--classifier-alone`` the linear classifier answers, which takes seconds. One line of JSON for each
seed; those in the file are not repeated.

    python benchmarks/out_of_scope.py [TRAIN.json TEST.json] -o F.jsonl [--leave-out 0.2]
        [--intents N] [--rows-an-intent 25] [--test-rows N] [--seeds 0] [--set key=value …]
        [--classifier-alone]

Without paths it is the bundled example, 100 rows an intent, of whose seven intents one is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from quality import Draw, draw
from samples import EXAMPLE_TEST, example_training_rows

from intentflow.artifacts.calibration import Calibration
from intentflow.artifacts.metrics import Metrics, name_of
from intentflow.baselines.labels import LabelledTexts, intents_label
from intentflow.baselines.linear import fit_linear
from intentflow.calls import Call, format_calls
from intentflow.evaluation.run import evaluate_model, score
from intentflow.evaluation.thresholds import false_alarm_threshold
from intentflow.inference.engines import Answer
from intentflow.inference.fused_classifier import intent_logs
from intentflow.inference.scope import scope_score
from intentflow.inference.subject import Subject
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example, read_records, write_records
from intentflow.taxonomy import Taxonomy
from intentflow.training.files import TrainingFiles
from intentflow.training.launch import launch_training

OOS = "oos"
OOS_RECALL = name_of(lambda metrics: metrics.oos_recall)
THRESHOLD = name_of(lambda metrics: metrics.with_threshold)
_LABEL = format_calls([Call(OOS)])


def some_intents(labels: Sequence[str], count: int | None, order: random.Random) -> set[str]:
    """Labels in scope, drawn, and out of scope."""
    inside = sorted(label for label in set(labels) if label != _LABEL)
    return {*order.sample(inside, min(count or len(inside), len(inside))), _LABEL}


def near(rows: Sequence[Example], left_out: set[str]) -> list[Example]:
    """The rows, those of intents that are left out labelled as out of scope."""
    return [
        replace(row, output=_LABEL) if intents_label(row.output) in left_out else row
        for row in rows
    ]


def given_rows(sets: list[Path]) -> tuple[list[Example], list[Example]]:
    """Training and test rows of two files; of the bundled example if there are none."""
    if sets:
        return read_records(sets[0]), read_records(sets[1])
    with tempfile.TemporaryDirectory() as folder:
        return read_records(example_training_rows(Path(folder))), read_records(EXAMPLE_TEST)


def drawn(options: argparse.Namespace, seed: int) -> Draw:
    """The rows of a seed; those out of scope all stay in the test."""
    order = random.Random(seed)
    rows, test = given_rows(options.sets)
    labels = [intents_label(row.output) or "" for row in rows]
    intents = some_intents(labels, options.intents, order)
    inside = sorted(intents - {_LABEL})
    left_out = set(order.sample(inside, round(options.leave_out * len(inside))))
    rows = [row for row in rows if intents_label(row.output) in intents - left_out]
    test = near([row for row in test if intents_label(row.output) in intents], left_out)
    outside = [row for row in test if row.output == _LABEL]
    found = draw(
        options.sets[0].name if options.sets else "example",
        seed,
        rows,
        [row for row in test if row.output != _LABEL],
        options.rows_an_intent,
        options.test_rows,
    )
    outside = order.sample(outside, min(options.test_rows or len(outside), len(outside)))
    return replace(found, test=[*found.test, *outside])


def measure(rows: Draw, recipe: Recipe) -> dict[str, Any]:
    """Train, choose the threshold, and score the test rows with it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_records(folder / "train.jsonl", rows.training)
        write_records(folder / "validation.jsonl", rows.validation)
        files = TrainingFiles(
            str(folder / "train.jsonl"), str(folder / "validation.jsonl"), taxonomy_of(rows)
        )
        launch_training(recipe, files, str(folder / "model"))
        metrics = evaluate_model(str(folder / "model"), rows.test, engine="transformers").metrics
    return facts(rows, metrics)


def measure_classifier(rows: Draw, rate: float) -> dict[str, Any]:
    """The same of the linear classifier's distribution over intents, by itself."""
    classifier = fit_linear(LabelledTexts.of(rows.training))
    names = list(taxonomy_of(rows).intents)

    def rankings(examples: Sequence[Example]) -> list[dict[str, float]]:
        logs = intent_logs(classifier, [row.instruction for row in examples], names)
        return [dict(zip(names, np.exp(one).tolist(), strict=True)) for one in logs]

    inside = [row for row in rows.validation if row.output != _LABEL]
    scores = [scope_score("ranking", None, one, OOS) or 0.0 for one in rankings(inside)]
    calibration = Calibration(
        slope=1.0,
        intercept=0.0,
        oos_threshold=false_alarm_threshold(scores, rate),
        oos_score="ranking",
        n=len(inside),
        data_digest="",
        ece_raw=0.0,
        ece=0.0,
        engine="linear",
        constrained=True,
    )
    answers = [
        Answer(format_calls([Call(max(one, key=lambda name: one[name]))]), 0.0, ranking=one)
        for one in rankings(rows.test)
    ]
    subject = Subject("linear", True, taxonomy=taxonomy_of(rows), calibration=calibration)
    return facts(rows, score(rows.test, answers, subject).metrics)


def taxonomy_of(rows: Draw) -> Taxonomy:
    """The intents of the rows, and out of scope, which may have none."""
    return Taxonomy.infer([*rows.training, *rows.validation, Example("", _LABEL)], OOS)


def facts(rows: Draw, metrics: Metrics) -> dict[str, Any]:
    """What is written of a seed."""
    found = metrics.with_threshold
    return {
        "set": rows.name,
        "seed": rows.seed,
        "rows": [len(rows.training), len(rows.validation), len(rows.test)],
        "out_of_scope": sum(row.output == _LABEL for row in rows.test),
        OOS_RECALL: metrics.oos_recall,
        THRESHOLD: found.model_dump() if found else None,
        f"{OOS_RECALL}_ci95": (metrics.ci95 or {}).get(f"{THRESHOLD}.{OOS_RECALL}"),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", type=Path, metavar="TRAIN.json TEST.json")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--leave-out", type=float)
    parser.add_argument("--intents", type=int)
    parser.add_argument("--rows-an-intent", type=int)
    parser.add_argument("--test-rows", type=int)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--recipe", default="smollm2-135m/full")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--classifier-alone", action="store_true")
    options = parser.parse_args()
    if len(options.sets) not in (0, 2):
        parser.error("give TRAIN.json and TEST.json, or neither")
    if options.leave_out is None:
        options.leave_out = 0.0 if options.sets else 1 / 7
    options.rows_an_intent = options.rows_an_intent or (25 if options.sets else 100)
    lines = options.output.read_text().splitlines() if options.output.exists() else []
    done = {json.loads(line)["seed"] for line in lines}
    for seed in options.seeds:
        if seed in done:
            continue
        recipe = Recipe.load(options.recipe, [f"seed={seed}", *options.set])
        rows = drawn(options, seed)
        found = (
            measure_classifier(rows, recipe.oos_false_alarm_rate)
            if options.classifier_alone
            else measure(rows, recipe)
        )
        with options.output.open("a") as out:
            out.write(json.dumps(found) + "\n")
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
