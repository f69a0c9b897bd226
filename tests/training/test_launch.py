"""What a training refuses before it loads anything: places, rows and settings that cannot work."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.records import Example, write_records
from intentflow.storage.completeness import require_replaceable
from intentflow.training.sft import train
from tests.models import TAXONOMY, recipe, rows

ROWS = [Example("weather in Oslo", "weather_search(Oslo)"), Example("put on Abba", "play_music()")]


@pytest.fixture
def thesis(tmp_path: Path) -> Path:
    """A folder with somebody's only copy of something."""
    folder = tmp_path / "keep"
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")
    return folder


def _train(data: Path, output: Path, *more: str) -> int:
    command = ["train", "--recipe", "smollm2-135m/full", "--train", str(data), "-o", str(output)]
    return main([*command, *more])


def test_a_folder_with_other_files_is_not_replaced(
    thesis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "train.jsonl", ROWS)
    assert _train(tmp_path / "train.jsonl", thesis) == 2
    assert "contains files that are not a model" in capsys.readouterr().err
    assert (thesis / "thesis.txt").exists()


def test_rows_inside_the_output_are_not_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "sets/train.jsonl", ROWS)
    assert _train(tmp_path / "sets/train.jsonl", tmp_path / "sets") == 2
    assert "which the new model will replace" in capsys.readouterr().err
    assert (tmp_path / "sets/train.jsonl").exists()


@pytest.mark.parametrize("name", [".", ""])
def test_the_working_folder_is_not_replaced(
    name: str, thesis: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(thesis)
    with pytest.raises(IntentflowError, match="contains files that are not a model"):
        require_replaceable(name)


def test_a_former_model_may_be_replaced(model_directory: Path) -> None:
    require_replaceable(model_directory)


def test_a_missing_file_is_named_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _train(tmp_path / "nope.jsonl", tmp_path / "model") == 2
    assert "nope.jsonl: No such file" in capsys.readouterr().err


def test_early_stopping_without_validation_rows_is_refused(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    patient = recipe(tiny_base_model, early_stopping_patience=1)
    with pytest.raises(IntentflowError, match="early_stopping_patience needs validation rows"):
        train(patient, rows(), [], tmp_path / "model", TAXONOMY)


def test_no_step_at_all_is_refused(tiny_base_model: Path) -> None:
    with pytest.raises(IntentflowError, match="max_steps: 0 trains nothing"):
        recipe(tiny_base_model, max_steps=0)


def test_rows_without_a_readable_answer_are_refused(tiny_base_model: Path, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="no row has a label that parses"):
        train(recipe(tiny_base_model), [Example("x", "x(")], [], tmp_path / "model")
