"""The correct component, on a tiny model with random weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.components.correct.component import correct
from intentflow.models.directory import check_model_directory
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example, write_records
from intentflow.training.start import starting_model
from tests.components.calls import call
from tests.models import one_thread, rows

WRONG = "play_music(Wrong)"
ROWS = [replace(row, prediction=WRONG) for row in rows()[:4]] + rows()[4:16]
DPO = {"model_name_or_path": "./model", "method": "dpo", "learning_rate": 1e-3}
RECIPE = {**DPO, "global_batch_size": 4, "num_train_epochs": 1, "max_steps": 2, "precision": "fp32"}


def _correct(
    folder: Path, model: Path, given: Sequence[Example] = ROWS, **config: Any
) -> dict[str, Any]:
    write_records(folder / "train.jsonl", given)
    write_records(folder / "validation.jsonl", rows()[16:20])
    with one_thread():
        return call(
            correct,
            folder,
            model=model,
            train_set=folder / "train.jsonl",
            validation_set=folder / "validation.jsonl",
            config={"recipe": RECIPE, "minimum_pairs": 4, **config},
        )


@pytest.fixture(scope="module")
def tuned(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _correct(tmp_path_factory.mktemp("tuned"), tiny_model)


def _record(outputs: dict[str, Any]) -> TrainingRecord:
    return TrainingRecord.read(Path(outputs["corrected"].path) / TRAINING_FILE)


def test_the_corrections_among_the_training_rows_tune_the_model(tuned: dict[str, Any]) -> None:
    found = _record(tuned).rows.model_dump()
    assert (found["train"], found["anchors"]) == (4, 12)


def test_the_digest_of_the_corrections_is_in_the_record(tuned: dict[str, Any]) -> None:
    assert tuned["Output"] == _record(tuned).data_digest != ""


def test_the_record_keeps_the_training_on_labels(
    tuned: dict[str, Any], tiny_model: Path, tiny_base_model: Path
) -> None:
    before = TrainingRecord.read(tiny_model / TRAINING_FILE)
    labelled = _record(tuned).on_labels
    assert labelled.data_digest == before.data_digest
    assert labelled.recipe.model_name_or_path == before.recipe.model_name_or_path


def test_the_weights_are_merged_and_no_adapter_is_left(tuned: dict[str, Any]) -> None:
    folder = check_model_directory(Path(tuned["corrected"].path))
    assert (folder / "model.safetensors").is_file()
    assert not (folder / "adapter").exists()


def test_the_loss_is_shown_in_kubeflow(tuned: dict[str, Any]) -> None:
    assert {"training_loss", "rows"} <= set(json.loads(Path(tuned["losses"].path).read_text()))
    assert "<!doctype html>" in Path(tuned["report"].path).read_text(encoding="utf-8")


def test_a_later_training_goes_on_with_the_tuned_model(tuned: dict[str, Any]) -> None:
    folder = Path(tuned["corrected"].path)
    before = _record(tuned).on_labels.recipe
    names = ("model_name_or_path", "output_format", "taxonomy_in_prompt", "language")
    asked = {name: before.model_dump()[name] for name in names}
    later = {"method": "full", "learning_rate": 0.1, "num_train_epochs": 1, **asked}
    found = starting_model(Recipe.from_mapping({**later, "start_from": str(folder)}, "recipe"))
    assert found is not None


@pytest.mark.parametrize(
    ("given", "minimum", "count"),
    [(ROWS, 5, 4), (rows()[:16], 1, 0), ([replace(r, prediction=r.output) for r in ROWS], 1, 0)],
    ids=["too few", "no answers", "only right answers"],
)
def test_with_too_few_corrections_the_model_stays_as_it_is(
    given: Sequence[Example],
    minimum: int,
    count: int,
    tmp_path: Path,
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outputs = _correct(tmp_path, tiny_model, given, minimum_pairs=minimum)
    same = Path(outputs["corrected"].path) / "model.safetensors"
    assert same.read_bytes() == (tiny_model / "model.safetensors").read_bytes()
    assert outputs["Output"] == ""
    assert f"the training rows have {count} corrections" in capsys.readouterr().err


def test_corrections_to_intents_that_the_model_lacks_are_left_out(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = [Example(f"fly {at}", "fly()", prediction=WRONG) for at in range(3)]
    outputs = _correct(tmp_path, tiny_model, [*rows()[:4], *unknown], minimum_pairs=1)
    assert outputs["Output"] == ""
    assert "3 corrections are left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"recipe": {**RECIPE, "method": "full"}}, "need method: dpo"),
        ({"minimum_pair": 3}, "did you mean minimum_pairs"),
    ],
)
def test_a_configuration_that_tunes_nothing_ends_the_step(
    config: dict[str, Any],
    expected: str,
    tmp_path: Path,
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _correct(tmp_path, tiny_model, **config)
    assert stopped.value.code == 2
    assert expected in capsys.readouterr().err


def test_rows_that_are_damaged_end_the_step_and_leave_no_model(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.jsonl").write_text(
        '{"instruction": "a", "output": "b()", "prediction": 1}\n'
    )
    (tmp_path / "validation.jsonl").touch()
    with pytest.raises(SystemExit) as stopped:
        call(
            correct,
            tmp_path,
            model=tiny_model,
            train_set=tmp_path / "train.jsonl",
            validation_set=tmp_path / "validation.jsonl",
            config={"recipe": RECIPE},
        )
    assert stopped.value.code == 2
    assert "train.jsonl: line 1: prediction is not text" in capsys.readouterr().err
    assert not (tmp_path / "corrected").exists()
