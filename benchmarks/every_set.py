"""Every public set by every kind of model: one table.

Of each set, rows of each intent are drawn and a sixth of them is for validation, as in quality.py;
every model learns from the same rows and answers the same test rows. A line of JSON is written for
each set and model as it is done, and those in the file are not repeated: the command can be stopped
and started again, and a trained model in ``--work`` is used again. ``--markdown`` prints the table.

Models: ``linear``, ``encoder``; of each recipe ``few-shot`` (the base model, untuned), ``tuned``,
``fused`` (with its classifier, where it was kept) and ``json`` (tuned to answer in JSON); ``api``,
an OpenAI endpoint of a model that was not tuned, which is sent the taxonomy: its row of the table
is this command with ``--models api --endpoint URL --served-model NAME`` and OPENAI_API_KEY set.

    python benchmarks/every_set.py -o table.jsonl [--sets clinc150 banking77 …]
        [--models linear encoder few-shot tuned fused] [--recipes smollm2-135m/full …]
        [--rows-an-intent 25] [--test-rows N] [--seed 0] [--work DIR] [--set key=value …]
    python benchmarks/every_set.py -o table.jsonl --markdown
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quality import Draw, draw
from samples import SETS

from intentflow.artifacts.fusion import CLASSIFIER_FILE
from intentflow.artifacts.metrics import INTENT_ACCURACY, PARAMETER_ACCURACY, Metrics, name_of
from intentflow.baselines.answers import Answers
from intentflow.baselines.encoder import answer_by_encoder
from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.linear import answer_by_linear
from intentflow.evaluation.run import evaluate_model, score
from intentflow.evaluation.untuned import Untuned, answer_untuned
from intentflow.inference.engine_selection import EngineOptions
from intentflow.inference.engines import Answer
from intentflow.inference.openai_engine import EndpointOptions
from intentflow.inference.subject import Subject
from intentflow.prompts import PromptSpec
from intentflow.recipe.recipe import Recipe
from intentflow.records import read_records, write_records
from intentflow.taxonomy import Taxonomy
from intentflow.training.files import TrainingFiles
from intentflow.training.launch import launch_training

OUT_OF_SCOPE = "oos"
SHOTS = 5
WITHOUT_RECIPE = ("linear", "encoder", "api")
OOS_RECALL = name_of(lambda metrics: metrics.oos_recall)
SEVERAL = name_of(lambda metrics: metrics.several_intents)
THRESHOLD = name_of(lambda metrics: metrics.with_threshold)
COLUMNS = {
    "intent accuracy": INTENT_ACCURACY,
    "macro F1": name_of(lambda metrics: metrics.intent_f1_macro),
    "parameter F1": name_of(lambda metrics: metrics.parameter_f1),
    "exact": PARAMETER_ACCURACY,
    "intents of rows with several": f"{SEVERAL}.{INTENT_ACCURACY}",
    "out of scope, precision": name_of(lambda metrics: metrics.oos_precision),
    "out of scope, recall": OOS_RECALL,
    "with the threshold": f"{THRESHOLD}.{OOS_RECALL}",
    "accuracy in scope, lost": f"{THRESHOLD}.in_scope_accuracy_lost",
}


@dataclass(frozen=True)
class Place:
    """The rows of one set, and where its models are kept.

    Attributes:
        rows: Training, validation and test rows.
        taxonomy: Intents of the rows.
        folder: Folder of the set's models.
        options: The command line.
    """

    rows: Draw
    taxonomy: Taxonomy
    folder: Path
    options: argparse.Namespace


def by_classifier(place: Place, answer: Callable[..., Answers]) -> Metrics:
    """Scores of a classifier, which names intents alone."""
    found = answer(
        LabelledTexts.of(place.rows.training), [row.instruction for row in place.rows.test]
    )
    answers = [Answer(text, 0.0) for text in found.texts]
    subject = Subject("baseline", constrained=False, taxonomy=place.taxonomy)
    return score(place.rows.test, answers, subject).metrics


def by_few_shot(place: Place, recipe: Recipe) -> Metrics:
    """Scores of the base model, kept inside the taxonomy, with five labelled rows before each."""
    asking = Untuned(recipe, place.taxonomy, seed=place.rows.seed)
    utterances = [row.instruction for row in place.rows.test]
    found = answer_untuned(place.rows.training, utterances, asking, SHOTS)
    answers = [Answer(text, 0.0) for text in found.texts]
    subject = Subject("few-shot", True, taxonomy=place.taxonomy, output_format=found.output_format)
    return score(place.rows.test, answers, subject).metrics


def by_model(place: Place, recipe: Recipe, *, is_fused: bool) -> Metrics | None:
    """Scores of a model trained on the rows; None if its classifier was not kept."""
    model = trained(place, recipe)
    if is_fused and not (model / CLASSIFIER_FILE).is_file():
        return None
    if is_fused:
        return evaluate_model(str(model), place.rows.test, engine="transformers").metrics
    with tempfile.TemporaryDirectory(dir=place.folder) as name:
        alone = Path(name) / "model"
        shutil.copytree(model, alone, copy_function=os.link)
        shutil.rmtree(alone / Path(CLASSIFIER_FILE).parent, ignore_errors=True)
        return evaluate_model(str(alone), place.rows.test, engine="transformers").metrics


def by_api(place: Place) -> Metrics:
    """Scores of a model behind an API, which is sent the taxonomy."""
    prompt = PromptSpec.build(taxonomy=place.taxonomy, taxonomy_in_prompt="full")
    asking = EndpointOptions(
        served_model=place.options.served_model, allow_failures=True, prompt=prompt
    )
    return evaluate_model(
        place.options.endpoint,
        place.rows.test,
        taxonomy=place.taxonomy,
        constrained=False,
        options=EngineOptions(None, asking),
        journal_for=place.folder / "api.json",
    ).metrics


def trained(place: Place, recipe: Recipe) -> Path:
    """The set's model of a recipe, trained unless an earlier start of this command did."""
    digest = hashlib.sha256(recipe.model_dump_json().encode()).hexdigest()
    folder = place.folder / digest[:12]
    model = folder / "model"
    if not model.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        train, validation = folder / "train.jsonl", folder / "validation.jsonl"
        write_records(train, place.rows.training)
        write_records(validation, place.rows.validation)
        launch_training(
            recipe, TrainingFiles(str(train), str(validation), place.taxonomy), str(model)
        )
    return model


def scores(place: Place, kind: str, name: str | None) -> Metrics | None:
    """Scores of one model of one set; None where the model does not exist."""
    if kind == "linear":
        return by_classifier(place, answer_by_linear)
    if kind == "encoder":
        return by_classifier(place, answer_by_encoder)
    if kind == "api":
        return by_api(place)
    assert name is not None
    recipe = Recipe.load(name, [f"seed={place.rows.seed}", *place.options.set])
    if kind == "few-shot":
        return by_few_shot(place, recipe)
    if kind == "json":
        settings = ["output_format=json", "intent_tokens=false"]
        recipe = Recipe.load(name, [f"seed={place.rows.seed}", *place.options.set, *settings])
    return by_model(place, recipe, is_fused=kind == "fused")


def line_of(place: Place, kind: str, name: str | None, metrics: Metrics | None) -> dict[str, Any]:
    """What is written of one model of one set."""
    rows = place.rows
    found: dict[str, Any] = {
        "set": rows.name,
        "model": kind,
        "recipe": name,
        "seed": rows.seed,
        "rows": [len(rows.training), len(rows.validation), len(rows.test)],
    }
    if metrics is None:
        return found | {"scores": None}
    tokens = metrics.tokens_per_request
    return found | {
        "scores": {score: metrics.value(score) for score in COLUMNS.values()},
        "ci95": {score: metrics.interval(score) for score in COLUMNS.values()},
        "rows_per_second": metrics.rows_per_second,
        "tokens_per_request": tokens.model_dump() if tokens else None,
        "load": round(os.getloadavg()[0], 1),
    }


def data_sets(options: argparse.Namespace) -> Iterator[tuple[str, Path, Path]]:
    """Name, training file and test file of each set that is there."""
    folder = os.environ.get("INTENTFLOW_SHARED")
    files = sorted(Path(folder, "data").glob("*.json")) if folder else SETS
    names = options.sets or sorted({file.name.split(".")[0] for file in files})
    for name in names:
        parts = {
            file.name.split(".")[-2]: file for file in files if file.stem.split(".")[0] == name
        }
        test = parts.get("test", parts.get("validation"))
        if "train" in parts and test is not None:
            yield name, parts["train"], test
        elif parts:
            yield name, *(next(iter(parts.values())),) * 2
        else:
            raise SystemExit(f"there is no set {name} in {folder or 'tests/data'}")


def drawn(name: str, train: Path, test: Path, options: argparse.Namespace) -> Draw:
    """The rows of a set; of a sample, which is one file, a third is for the test."""
    rows, tests = read_records(train), read_records(test)
    if train == test:
        random.Random(options.seed).shuffle(rows)
        third = len(rows) // 3
        rows, tests = rows[third:], rows[:third]
    return draw(name, options.seed, rows, tests, options.rows_an_intent, options.test_rows)


def taxonomy_of(rows: Draw) -> Taxonomy:
    """The intents of all rows that are learned from."""
    found = [*rows.training, *rows.validation]
    named = any(row.output.startswith(f"{OUT_OF_SCOPE}(") for row in found)
    return Taxonomy.infer(found, OUT_OF_SCOPE if named else None)


def markdown(lines: Sequence[dict[str, Any]]) -> str:
    """The table, a line for each set and model."""
    head = ["set", "rows", "model", *COLUMNS]
    table = [head, ["---"] * len(head)]
    for line in lines:
        named = f"{line['model']} ({line['recipe']})" if line["recipe"] else line["model"]
        values = [_cell(line, score) for score in COLUMNS.values()] if line["scores"] else []
        table.append(
            [line["set"], " / ".join(map(str, line["rows"])), named]
            + (values or ["not kept", *[""] * (len(COLUMNS) - 1)])
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in table)


def _cell(line: dict[str, Any], score: str) -> str:
    value, interval = (line[one].get(score) for one in ("scores", "ci95"))
    if value is None:
        return ""
    return f"{value:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--sets", nargs="+")
    parser.add_argument(
        "--models", nargs="+", default=["linear", "encoder", "few-shot", "tuned", "fused"]
    )
    parser.add_argument("--recipes", nargs="+", default=["smollm2-135m/full"])
    parser.add_argument("--rows-an-intent", type=int, default=25)
    parser.add_argument("--test-rows", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--endpoint")
    parser.add_argument("--served-model")
    options = parser.parse_args()
    if "api" in options.models and not options.endpoint:
        parser.error("--models api needs --endpoint")
    return options


def main() -> None:
    options = _parsed()
    written = options.output.read_text().splitlines() if options.output.exists() else []
    lines = [json.loads(line) for line in written]
    if options.markdown:
        print(markdown(lines))
        return
    done = {(one["set"], one["model"], one["recipe"], one["seed"]) for one in lines}
    work = options.work or options.output.with_suffix(".models")
    for name, train, test in data_sets(options):
        rows = drawn(name, train, test, options)
        place = Place(rows, taxonomy_of(rows), work / f"{name}-{options.seed}", options)
        place.folder.mkdir(parents=True, exist_ok=True)
        for kind in options.models:
            for recipe in [None] if kind in WITHOUT_RECIPE else options.recipes:
                if (name, kind, recipe, options.seed) in done:
                    continue
                line = line_of(place, kind, recipe, scores(place, kind, recipe))
                with options.output.open("a") as out:
                    out.write(json.dumps(line) + "\n")
                print(json.dumps(line), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
