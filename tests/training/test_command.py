"""``intentflow train``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cli.main import main
from intentflow.inference.calibration import read_calibration
from intentflow.models.directory import check_model_directory
from intentflow.records import content_digest, write_records
from intentflow.taxonomy import Taxonomy
from tests.models import TAXONOMY, recipe, rows

ROWS, HELD_OUT = rows()[:16], rows()[16:20]


@pytest.fixture
def files(tiny_base_model: Path, tmp_path: Path) -> Path:
    """A folder with recipe, rows and taxonomy."""
    settings = recipe(tiny_base_model).model_dump(exclude_unset=True)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
    write_records(tmp_path / "train.jsonl", ROWS)
    write_records(tmp_path / "validation.jsonl", HELD_OUT)
    TAXONOMY.write(tmp_path / "taxonomy.yaml")
    return tmp_path


def _train(folder: Path, *arguments: str, **places: str) -> int:
    named = {"recipe": "recipe.yaml", "train": "train.jsonl", "output": "model", **places}
    flags = [part for name, file in named.items() for part in (f"--{name}", str(folder / file))]
    return main(["train", *flags, *arguments])


def _summary(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    document: dict[str, Any] = json.loads(line)
    return document


def test_a_model_directory_is_written(files: Path) -> None:
    assert _train(files, validation="validation.jsonl") == 0
    assert check_model_directory(files / "model")


def test_the_summary_is_all_of_standard_output(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _train(files, "--json", validation="validation.jsonl")
    summary = _summary(capsys)
    assert (summary["rows"], summary["data_digest"]) == (len(ROWS), content_digest(ROWS))
    assert summary["training_loss"] > 0
    assert summary["validation_loss"] > 0


def test_a_trained_models_confidence_is_calibrated_on_the_validation_rows(files: Path) -> None:
    _train(files, validation="validation.jsonl")
    found = read_calibration(files / "model")
    assert found is not None
    assert found.n == len(HELD_OUT)


def test_the_calibration_takes_no_more_rows_than_the_recipe_says(files: Path) -> None:
    _train(files, "--set", "calibration_rows=2", validation="validation.jsonl")
    found = read_calibration(files / "model")
    assert found is not None
    assert found.n <= 2


def test_a_model_without_validation_rows_has_no_calibration(files: Path) -> None:
    _train(files)
    assert read_calibration(files / "model") is None


def test_without_validation_there_is_no_validation_loss(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _train(files, "--json")
    assert _summary(capsys)["validation_loss"] is None


def test_a_key_is_overridden(files: Path) -> None:
    assert _train(files, "--set", "max_steps=1", "--set", "learning_rate=5e-5") == 0
    trained = json.loads((files / "model" / "training.json").read_text())["recipe"]
    assert (trained["max_steps"], trained["learning_rate"]) == (1, 5e-5)


def test_a_taxonomy_is_taken_as_it_is_given(files: Path) -> None:
    assert _train(files, taxonomy="taxonomy.yaml") == 0
    assert Taxonomy.from_yaml(files / "model" / "taxonomy.yaml") == TAXONOMY


WRONG: dict[str, tuple[list[str], dict[str, str], str]] = {
    "unknown key": (["--set", "learning_rat=1"], {}, "did you mean learning_rate?"),
    "no such recipe": ([], {"recipe": "none.yaml"}, "none.yaml: No such file"),
    "no rows": ([], {"train": "none.jsonl"}, "none.jsonl: No such file"),
    "empty": ([], {"train": "empty.jsonl"}, "empty.jsonl: the file is empty"),
    "not UTF-8": ([], {"train": "latin.jsonl"}, "latin.jsonl: not UTF-8 (byte"),
    "too long": (["--set", "seq_length=16"], {}, "max_length 16 is too short for 16 of 16 rows"),
    "no base": (["--set", "model_name_or_path=./none"], {}, "base model ./none: there is no"),
    "a file": ([], {"output": "empty.jsonl"}, "is a file; give a folder"),
    "below a file": ([], {"output": "train.jsonl/model"}, "cannot write"),
    "to storage": ([], {"output": "s3"}, "write to a local file first"),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_what_is_wrong_is_one_readable_line_and_nothing_is_written(
    case: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "empty.jsonl").write_text("\n")
    (files / "latin.jsonl").write_bytes('{"instruction": "é", "output": "f()"}'.encode("latin-1"))
    arguments, places, message = WRONG[case]
    if case == "to storage":
        arguments = ["--output", "s3://bucket/model"]
    before = {file.name: file.read_bytes() for file in files.iterdir()}
    assert _train(files, *arguments, **places) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("intentflow train: error: ")
    assert message in line
    assert {file.name: file.read_bytes() for file in files.iterdir()} == before


def test_ctrl_c_is_reported_in_one_line(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("transformers.Trainer.training_step", stop)
    assert _train(files) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "intentflow train: error: stopped; no incomplete output was kept"
    assert not (files / "model").exists()
