"""The explain component."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.components.explain.component import explain
from intentflow.components.gate.component import gate
from intentflow.registry import Registry
from tests.components.calls import call, document
from tests.gating.scores import scores, scores_of
from tests.pipeline.recipes import GATE, train_parameter

RIGHT, WRONG = ("play()", "play()"), ("play()", "rain(Oslo)")


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    """Scores of a model that takes a song for the weather."""
    return document(tmp_path / "metrics.json", scores(**scores_of([RIGHT, WRONG, WRONG])))


@pytest.fixture
def verdict(tmp_path: Path, metrics: Path) -> Path:
    """What the gate says of it."""
    config = {"policy": {"metrics": {"intent_accuracy": {"min": 0.9}}}}
    judged = call(gate, tmp_path / "judged", metrics=metrics, config=config, champion={})
    return Path(judged["verdict"].path)


def _explain(folder: Path, verdict: Path, metrics: Path, **record: str) -> dict[str, Any]:
    report = document(folder / "report.html", "")
    files = {"verdict": verdict, "metrics": metrics, "report": report}
    recipe = {"train": train_parameter(), "gate": GATE}
    return call(explain, folder, **files, **recipe, record=record, run="run-1")


def _explanation(folder: Path, verdict: Path, metrics: Path) -> str:
    outputs = _explain(folder, verdict, metrics)
    return Path(outputs["explanation"].path).read_text(encoding="utf-8")


def test_the_rule_that_failed_is_named(tmp_path: Path, verdict: Path, metrics: Path) -> None:
    assert "intent_accuracy" in _explanation(tmp_path, verdict, metrics)


def test_the_commonest_confusion_is_shown(tmp_path: Path, verdict: Path, metrics: Path) -> None:
    lines = _explanation(tmp_path, verdict, metrics).splitlines()
    assert [line for line in lines if "play" in line and "rain" in line] != []


def test_the_reasons_of_the_verdict_fail_the_next_step(
    tmp_path: Path, verdict: Path, metrics: Path
) -> None:
    failure = _explain(tmp_path, verdict, metrics)["Output"]
    assert (failure["step"], failure["kind"]) == ("gate", "CheckFailed")
    assert "intent_accuracy is 0.33" in failure["message"]


def test_the_model_is_entered_with_the_reasons(
    tmp_path: Path, verdict: Path, metrics: Path
) -> None:
    _explain(tmp_path, verdict, metrics, registry=str(tmp_path / "registry"))
    entry = Registry(tmp_path / "registry").of_run("run-1")["model"]
    assert entry.verdict is not None
    assert "intent_accuracy is 0.33" in entry.verdict.reasons[0]
    assert (entry.verdict.passed, entry.uri) == (False, None)


def test_a_verdict_that_is_not_there_ends_the_step(
    tmp_path: Path, metrics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _explanation(tmp_path, tmp_path / "nowhere.json", metrics)
    assert stopped.value.code == 2
    assert "nowhere.json" in capsys.readouterr().err
