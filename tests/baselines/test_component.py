"""The pipeline's component."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kfp import dsl
from kfp.compiler import Compiler

from intentflow.components.baseline.component import baseline
from intentflow.records import write_records
from tests.baselines.conftest import TEST, TRAINING


def _run(folder: Path, kinds: list[str]) -> dict[str, float]:
    """The scores that the Kubeflow page shows."""
    write_records(folder / "train.jsonl", TRAINING)
    write_records(folder / "test.jsonl", TEST)
    scores = dsl.Metrics(uri=str(folder / "scores"))
    baseline.python_func(
        train_set=dsl.Dataset(uri=str(folder / "train.jsonl")),
        test_set=dsl.Dataset(uri=str(folder / "test.jsonl")),
        config={"kinds": kinds},
        code_version="1",
        scores=scores,
        baselines=dsl.Artifact(uri=str(folder / "baselines.json")),
    )
    found: dict[str, float] = scores.metadata
    return found


def test_the_component_compiles(tmp_path: Path) -> None:
    Compiler().compile(baseline, str(tmp_path / "baseline.yaml"))
    assert "code_version" in (tmp_path / "baseline.yaml").read_text()


def test_the_component_writes_the_file_and_shows_the_scores(tmp_path: Path) -> None:
    shown = _run(tmp_path, ["majority", "linear"])
    entries = json.loads((tmp_path / "baselines.json").read_text())["baselines"]
    assert shown == {f"{kind}_intent_accuracy": e["intent_accuracy"] for kind, e in entries.items()}


def test_what_the_page_shows_is_on_disk(tmp_path: Path) -> None:
    shown = _run(tmp_path, ["majority"])
    assert json.loads((tmp_path / "scores").read_text()) == shown


def test_a_wrong_kind_ends_the_step_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _run(tmp_path, ["liner"])
    assert "intentflow baseline: error: no baseline liner; did you mean" in capsys.readouterr().err
