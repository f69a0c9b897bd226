"""Accuracy and answer length with and without a token for each intent, all else equal.

Both arms train the same recipe on the same rows and answer the same test rows, constrained as in
serving. A share of the intents and rows is enough for a laptop; with neither flag all are
used, which needs an idle computer or a GPU. Without paths it is the bundled example.

    python benchmarks/intent_tokens.py [TRAIN.json TEST.json] [--intents 10] [--rows 600]
        [--test-rows 200] [--recipe smollm2-135m/full] [--set key=value …]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samples import EXAMPLE_TEST, example_training_rows

from intentflow.artifacts.metrics import INTENT_ACCURACY, PARAMETER_ACCURACY, name_of
from intentflow.calls import parse_calls
from intentflow.evaluation.run import evaluate_model
from intentflow.models.base_models import load_tokenizer
from intentflow.prompts import answer_token_ids, end_token_id
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example, read_records
from intentflow.training.sft import train

KEYS = (
    INTENT_ACCURACY,
    PARAMETER_ACCURACY,
    name_of(lambda metrics: metrics.malformed_rate),
    name_of(lambda metrics: metrics.rows_per_second),
)


def share(rows: Sequence[Example], intents: set[str], size: int | None) -> list[Example]:
    """Rows of the given intents, in an order that is the same at every run."""
    found = [row for row in rows if _intent(row) in intents]
    random.Random(0).shuffle(found)
    return found[:size]


def some_intents(rows: Sequence[Example], count: int | None) -> set[str]:
    """Intents in alphabetical steps, so that alike names do not come together."""
    names = sorted({_intent(row) for row in rows})
    return set(names if count is None else names[:: max(len(names) // count, 1)][:count])


def measure(
    recipe: Recipe, rows: Sequence[Example], test: Sequence[Example], folder: Path
) -> dict[str, Any]:
    """Train and score one arm."""
    record = train(recipe, rows, [], folder)
    tokenizer = load_tokenizer(str(folder))
    end = end_token_id(tokenizer)
    lengths = [len(answer_token_ids(tokenizer, row.output, end)) for row in test]
    metrics = evaluate_model(str(folder), test).metrics
    return {
        "intent_tokens": recipe.intent_tokens,
        "answer_tokens_a_row": round(sum(lengths) / len(lengths), 2),
        **{key: round(metrics.value(key) or 0.0, 4) for key in KEYS},
        "training_seconds": record.history.seconds,
        "last_training_loss": record.history.last_training_loss,
    }


def _intent(row: Example) -> str:
    return parse_calls(row.output)[0].intent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", nargs="?", type=Path)
    parser.add_argument("test", nargs="?", type=Path, default=EXAMPLE_TEST)
    parser.add_argument("--recipe", default="smollm2-135m/full")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--intents", type=int)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--test-rows", type=int)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = read_records(options.train or example_training_rows(Path(folder)))
    test = read_records(options.test)
    intents = some_intents(rows, options.intents)
    rows, test = share(rows, intents, options.rows), share(test, intents, options.test_rows)
    print(f"{len(intents)} intents, {len(rows)} rows, {len(test)} test rows", file=sys.stderr)
    for wanted in ("false", "true"):
        recipe = Recipe.load(options.recipe, [*options.set, f"intent_tokens={wanted}"])
        with tempfile.TemporaryDirectory() as folder:
            found = measure(recipe, rows, test, Path(folder) / "model")
        found["load"] = round(os.getloadavg()[0], 1)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
