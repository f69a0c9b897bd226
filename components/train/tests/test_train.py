"""The train component, on a tiny model with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.train.component import train
from intentflow.models.directory import check_model_directory
from intentflow.records import write_records
from tests.components.calls import call
from tests.models import one_thread, recipe, rows


def _train(folder: Path, base: Path, **changes: Any) -> dict[str, Any]:
    write_records(folder / "train.jsonl", rows()[:16])
    write_records(folder / "validation.jsonl", rows()[16:20])
    settings = {**recipe(base).model_dump(exclude_unset=True), **changes}
    with one_thread():
        return call(
            train,
            folder,
            train_set=folder / "train.jsonl",
            validation_set=folder / "validation.jsonl",
            config={"recipe": settings},
        )


def test_a_model_directory_is_written_with_its_report_and_losses(
    tmp_path: Path, tiny_base_model: Path
) -> None:
    outputs = _train(tmp_path, tiny_base_model)
    assert check_model_directory(Path(outputs["model"].path))
    assert outputs["model"].metadata["base_model"] == str(tiny_base_model)
    assert "<!doctype html>" in Path(outputs["report"].path).read_text(encoding="utf-8")
    losses = json.loads(Path(outputs["losses"].path).read_text())
    assert {"training_loss", "validation_loss", "tokens_per_second"} <= set(losses)


def test_a_key_that_the_recipe_does_not_know_ends_the_step(
    tmp_path: Path, tiny_base_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _train(tmp_path, tiny_base_model, learning_rat=1e-4)
    assert stopped.value.code == 2
    assert "did you mean learning_rate" in capsys.readouterr().err
