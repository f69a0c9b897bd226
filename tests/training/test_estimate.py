"""What a training will take is known after its first step."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.pipeline.steps.validate import ValidateConfig, run_validate
from intentflow.records import write_records
from intentflow.training.estimate import estimate_training
from intentflow.training.sft import train
from tests.models import TAXONOMY, recipe, rows

ROWS = rows()[:48]


@pytest.mark.parametrize(
    "changes",
    [
        {"num_train_epochs": 3.0, "global_batch_size": 10, "max_steps": -1},
        {"num_train_epochs": 1.5, "global_batch_size": 10, "max_steps": -1}
        | {"per_device_train_batch_size": 5},
        {"max_steps": 4},
    ],
)
def test_the_estimated_steps_are_those_of_the_training(
    changes: dict[str, Any],
    tiny_base_model: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="intentflow")
    settings = recipe(tiny_base_model, **{"logging_steps": 1, **changes})
    record = train(settings, ROWS, [], tmp_path / "m", TAXONOMY)
    steps = record.history.training_loss[-1][0]
    (line,) = [text for text in caplog.messages if text.startswith("estimate: ")]
    assert line.startswith(f"estimate: {steps} steps of about ")


def test_a_training_of_one_step_is_estimated_as_one(tiny_base_model: Path) -> None:
    changes = {"num_train_epochs": 1.0, "global_batch_size": 64, "max_steps": -1}
    assert estimate_training(recipe(tiny_base_model, **changes), ROWS, TAXONOMY).steps == 1


def test_time_and_memory_are_measured(tiny_base_model: Path) -> None:
    found = estimate_training(recipe(tiny_base_model), ROWS, TAXONOMY)
    assert 0 < found.seconds_per_step < 60
    assert found.seconds == pytest.approx(found.steps * found.seconds_per_step)
    assert found.memory_bytes > 50e6


def test_an_estimate_leaves_no_file(
    tiny_base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    estimate_training(recipe(tiny_base_model), ROWS, TAXONOMY)
    assert list(tmp_path.iterdir()) == []


def test_a_training_logs_its_estimate(
    tiny_base_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="intentflow")
    train(recipe(tiny_base_model, max_steps=3), ROWS, [], tmp_path / "m", TAXONOMY)
    (line,) = [text for text in caplog.messages if text.startswith("estimate: ")]
    assert re.match(r"estimate: 3 steps of about \S+ s: .* GB of memory", line)


def test_validate_states_it(tiny_base_model: Path, tmp_path: Path) -> None:
    write_records(tmp_path / "rows.jsonl", ROWS)
    config = ValidateConfig(recipe=recipe(tiny_base_model, max_steps=7))
    report = run_validate(
        tmp_path / "rows.jsonl", config, estimate=True, report=tmp_path / "data.html"
    )
    assert report.estimate is not None
    assert report.summary().as_dict()["estimate"]["steps"] == 7
    assert report.estimate.text in (tmp_path / "data.html").read_text(encoding="utf-8")


def test_validate_needs_a_recipe_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_records(tmp_path / "rows.jsonl", ROWS)
    assert main(["validate", str(tmp_path / "rows.jsonl"), "--estimate"]) == 2
    assert "give --recipe, too" in capsys.readouterr().err


def test_corrections_have_no_estimate(tiny_base_model: Path) -> None:
    settings = recipe(tiny_base_model).model_copy(update={"method": "dpo"})
    with pytest.raises(IntentflowError, match="method dpo trains on corrections"):
        estimate_training(settings, ROWS)
