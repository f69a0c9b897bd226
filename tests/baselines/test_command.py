"""``intentflow baseline`` and the pipeline's step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.baselines import Baselines
from intentflow.baselines.kinds import KINDS
from intentflow.cli.main import main
from intentflow.pipeline.steps.baseline import BaselineConfig, run_baseline
from intentflow.records import Example, content_digest, write_records
from tests.baselines.conftest import TEST, TRAINING
from tests.models import TAXONOMY

RECIPE = {"method": "full", "learning_rate": 1e-3, "num_train_epochs": 1}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Paths by name: rows, and files that are none."""
    write_records(tmp_path / "train.jsonl", TRAINING)
    write_records(tmp_path / "test.jsonl", TEST)
    write_records(tmp_path / "one.jsonl", [Example("a", "go()"), Example("b", "go()")])
    write_records(tmp_path / "unread.jsonl", [Example("a", "go(")])
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "broken.jsonl").write_text('{"instruction": "a"')
    (tmp_path / "hollow").mkdir()
    names = {file.stem: str(file) for file in tmp_path.iterdir()}
    return {**names, "none": str(tmp_path / "none.jsonl"), "folder": str(tmp_path)}


def _baseline(files: dict[str, str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit status, and what was written if anything was."""
    output = Path(files["folder"]) / "baselines.json"
    status = main(["baseline", "-o", str(output), *arguments])
    return status, json.loads(output.read_text()) if output.exists() else {}


def _rows(files: dict[str, str]) -> list[str]:
    return ["--train", files["train"], "--data", files["test"]]


def test_the_quick_baselines_are_the_default(files: dict[str, str]) -> None:
    status, found = _baseline(files, *_rows(files))
    assert (status, list(found["baselines"])) == (0, ["majority", "linear"])


def test_every_kind_runs(files: dict[str, str], tiny_encoder: Path, tiny_base_model: Path) -> None:
    TAXONOMY.write(Path(files["folder"]) / "taxonomy.yaml")
    status, found = _baseline(
        files,
        *_rows(files),
        *("--kinds", "all", "--encoder", str(tiny_encoder), "--epochs", "2", "--shots", "2"),
        *("--model", str(tiny_base_model), "--limit-rows", "4"),
        *("--taxonomy", files["folder"] + "/taxonomy.yaml"),
    )
    entries = found["baselines"]
    assert (status, list(entries)) == (0, list(KINDS))
    assert [entry["n"] for entry in entries.values()] == [len(TEST)] * 3 + [4] * 2


def test_the_summary_is_one_json_line(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _baseline(files, *_rows(files), "--json")
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(summary) == {"n", "intent_accuracy", "seconds", "data_digest"}
    assert set(summary["intent_accuracy"]) == {"majority", "linear"}
    assert summary["data_digest"] == content_digest(TEST)


def test_people_get_a_line_a_baseline(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _baseline(files, *_rows(files))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["baseline", "majority", "linear"]


WRONG: dict[str, tuple[list[str], str]] = {
    "kind": (["--kinds", "liner"], "unknown baseline liner; did you mean linear?"),
    "empty training": (["--train", "{empty}"], "the file is empty"),
    "empty rows": (["--data", "{empty}"], "the file is empty"),
    "broken": (["--data", "{broken}"], "line 1: not JSON"),
    "no file": (["--train", "{none}"], "none.jsonl: No such file"),
    "one label": (["--train", "{one}"], "linear: all training rows have the label go()"),
    "unread": (["--train", "{unread}"], "no training row has a label that parses"),
    "same": (["--data", "{train}"], "the rows to score are the training rows"),
    "idle encoder": (["--encoder", "x"], "--encoder needs encoder in --kinds"),
    "idle shots": (["--kinds", "untuned", "--shots", "2"], "--shots needs few-shot"),
    "idle limit": (["--limit-rows", "2"], "--limit-rows needs untuned or few-shot"),
    "no encoder": (["--kinds", "encoder", "--encoder", "{hollow}"], "contains no config.json"),
    "no model": (["--kinds", "untuned", "--model", "./nowhere"], "there is no such folder"),
    "corrections": (["--kinds", "untuned", "--recipe", "mistral-7b/dpo"], "method: dpo"),
    "no recipe": (["--kinds", "untuned", "--recipe", "smollm"], "no recipe smollm"),
    "no taxonomy": (["--kinds", "untuned", "--taxonomy", "{none}"], "No such file"),
    "zero": (["--kinds", "all", "--shots", "0"], "0: give an integer from 1 up"),
    "folder": (["-o", "{hollow}"], "is a folder; give a file for"),
    "overwriting": (["-o", "{train}"], "is an input of the command"),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_bad_usage_and_bad_input_are_one_readable_line(
    case: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, message = WRONG[case]
    given = [*_rows(files), *(part.format(**files) for part in arguments)]
    assert _baseline(files, *given) == (2, {})
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert errors[0].startswith("intentflow baseline: error: ")
    assert message in errors[0]


def test_the_step_writes_the_file_and_tells_the_scores(
    files: dict[str, str], tiny_base_model: Path
) -> None:
    output = Path(files["folder"]) / "baselines.json"
    config = BaselineConfig.model_validate(
        {
            "kinds": ["linear", "untuned"],
            "recipe": {**RECIPE, "model_name_or_path": str(tiny_base_model)},
            "taxonomy": TAXONOMY,
            "limit_rows": 4,
        }
    )
    found = run_baseline(files["train"], files["test"], output, config)
    assert found == Baselines.read(output)
    assert list(found.baselines) == ["linear", "untuned"]


def test_the_step_needs_no_recipe_and_no_taxonomy_for_classifiers(files: dict[str, str]) -> None:
    output = Path(files["folder"]) / "baselines.json"
    config = BaselineConfig(kinds=["majority"])
    found = run_baseline(files["train"], files["test"], output, config)
    assert list(found.baselines) == ["majority"]
