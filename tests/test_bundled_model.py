"""The bundled model on the bundled example: a few steps of the recipe that a laptop runs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from intentflow.calls import parse_calls
from intentflow.cli.main import main
from intentflow.convert import convert
from intentflow.evaluate.engines import TransformersEngine
from intentflow.records import Example, read_records, write_records
from intentflow.resources import resource
from intentflow.taxonomy import Taxonomy

pytestmark = pytest.mark.slow
EXAMPLE = resource("examples/snips")
STEPS = 16


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundled")
    convert([str(EXAMPLE / "labels.manifest")], folder / "rows.jsonl")
    write_records(folder / "train.jsonl", _alternating(read_records(folder / "rows.jsonl"))[:128])
    arguments = {
        "--recipe": "smollm2-135m/full",
        "--train": folder / "train.jsonl",
        "--taxonomy": EXAMPLE / "taxonomy.yaml",
        "--output": folder / "model",
    }
    settings = [f"max_steps={STEPS}", "global_batch_size=8", "logging_steps=1"]
    words = [str(word) for pair in arguments.items() for word in pair]
    words += [word for setting in settings for word in ("--set", setting)]
    assert main(["train", *words]) == 0
    return folder / "model"


def _alternating(examples: list[Example]) -> list[Example]:
    """The rows with each intent in its turn."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.output.partition("(")[0], []).append(example)
    turns: Iterator[tuple[Any, ...]] = itertools.zip_longest(*groups.values())
    return [example for turn in turns for example in turn if example]


def test_the_loss_falls(model: Path) -> None:
    record = json.loads((model / "training.json").read_text(encoding="utf-8"))
    losses = [loss for _, loss, _ in record["history"]["training_loss"]]
    assert len(losses) == STEPS
    assert sum(losses[-4:]) < sum(losses[:4]) / 2


def test_predictions_are_calls_of_the_taxonomy(model: Path) -> None:
    taxonomy = Taxonomy.from_yaml(EXAMPLE / "taxonomy.yaml")
    engine = TransformersEngine(model, constrained=True)
    answers = engine.answer([row.instruction for row in read_records(EXAMPLE / "test.jsonl")[:8]])
    calls = [call for answer in answers for call in parse_calls(answer.text)]
    assert all(taxonomy.accepts(call) for call in calls)


def test_most_intents_are_right_after_a_few_steps(model: Path) -> None:
    rows = read_records(EXAMPLE / "test.jsonl")[:12]
    answers = TransformersEngine(model, constrained=True).answer([row.instruction for row in rows])
    names = [answer.text.partition("(")[0] for answer in answers]
    right = sum(name == row.output.partition("(")[0] for name, row in zip(names, rows, strict=True))
    assert right >= 6
