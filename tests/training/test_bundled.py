"""The bundled model learns from the example's own rows in a few steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.artifacts.training import TrainingRecord
from intentflow.calls import parse_calls
from intentflow.cli.main import main
from intentflow.environment import resource
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.recipe.recipe import Recipe
from intentflow.records import read_records
from intentflow.training.sft import train

# Tokens of intents are new to the base: after 12 steps it begins no answer with one.
SETTINGS = ["global_batch_size=8", "max_steps=30", "logging_steps=1"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingRecord]:
    """A model directory after a few steps, and what was recorded of them."""
    folder = tmp_path_factory.mktemp("bundled")
    export = resource("examples") / "snips" / "labels.manifest"
    assert main(["convert", str(export), "-o", str(folder / "rows.jsonl")]) == 0
    examples = read_records(folder / "rows.jsonl")[:128]
    recipe = Recipe.load("smollm2-135m/full", SETTINGS)
    return folder / "model", train(recipe, examples, [], folder / "model")


def test_the_loss_falls(trained: tuple[Path, TrainingRecord]) -> None:
    losses = [loss for _, loss, _ in trained[1].history.training_loss]
    assert losses[-1] < losses[0] / 2


def test_an_answer_parses(trained: tuple[Path, TrainingRecord]) -> None:
    engine = TransformersEngine(trained[0], constrained=False)
    (answer,) = engine.answer(["what will the weather be in Oslo tomorrow"])
    assert parse_calls(answer.text)
