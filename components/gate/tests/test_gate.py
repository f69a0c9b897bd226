"""The gate component; ``tests/pipeline`` runs every rule through a graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.gate.component import gate
from tests.components.calls import call, document
from tests.gating.scores import scores


def _gate(folder: Path, minimum: float) -> dict[str, Any]:
    metrics = document(folder / "metrics.json", scores(intent_accuracy=0.9))
    policy = {"metrics": {"intent_accuracy": {"min": minimum}}}
    return call(gate, folder, metrics=metrics, config={"policy": policy}, champion={})


@pytest.mark.parametrize(("minimum", "decision"), [(0.85, "pass"), (0.95, "fail")])
def test_scores_are_judged(tmp_path: Path, minimum: float, decision: str) -> None:
    assert _gate(tmp_path, minimum)["Output"] == decision


@pytest.mark.parametrize(("minimum", "passed"), [(0.85, True), (0.95, False)])
def test_verdict_says_what_the_decision_was(tmp_path: Path, minimum: float, passed: bool) -> None:
    verdict = _gate(tmp_path, minimum)["verdict"]
    assert json.loads(Path(verdict.path).read_text())["passed"] is passed
    assert verdict.metadata["passed"] is passed


def test_explanation_names_the_rule(tmp_path: Path) -> None:
    explanation = _gate(tmp_path, 0.95)["explanation"]
    assert "intent_accuracy" in Path(explanation.path).read_text(encoding="utf-8")


def test_a_minimum_above_1_ends_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _gate(tmp_path, 95)
    assert stopped.value.code == 2
    assert "intentflow gate: error: " in capsys.readouterr().err
