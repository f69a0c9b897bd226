"""The baseline component."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kfp.compiler import Compiler

from intentflow.components.baseline.component import baseline
from intentflow.records import write_records
from tests.baselines.conftest import TEST, TRAINING
from tests.components.calls import call


def _baseline(folder: Path, *kinds: str) -> dict[str, Any]:
    write_records(folder / "train.jsonl", TRAINING)
    write_records(folder / "test.jsonl", TEST)
    sets = {"train_set": folder / "train.jsonl", "test_set": folder / "test.jsonl"}
    return call(baseline, folder, **sets, config={"kinds": list(kinds)})


def test_the_component_compiles(tmp_path: Path) -> None:
    Compiler().compile(baseline, str(tmp_path / "baseline.yaml"))
    assert "code_version" in (tmp_path / "baseline.yaml").read_text()


def test_the_component_writes_the_file_and_shows_the_scores(tmp_path: Path) -> None:
    outputs = _baseline(tmp_path, "majority", "linear")
    entries = json.loads(Path(outputs["baselines"].path).read_text())["baselines"]
    shown = {f"{kind}_intent_accuracy": e["intent_accuracy"] for kind, e in entries.items()}
    assert outputs["scores"].metadata == shown


def test_what_the_page_shows_is_on_disk(tmp_path: Path) -> None:
    scores = _baseline(tmp_path, "majority")["scores"]
    assert json.loads(Path(scores.path).read_text()) == scores.metadata


def test_a_wrong_kind_ends_the_step_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _baseline(tmp_path, "liner")
    assert (
        "intentflow baseline: error: unknown baseline liner; did you mean"
        in capsys.readouterr().err
    )
