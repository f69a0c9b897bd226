"""The publish component."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.components.publish.component import publish
from intentflow.registry import Registry
from intentflow.storage import digest_of
from tests.components.calls import call, document
from tests.gating.scores import scores
from tests.pipeline.recipes import GATE, train_parameter


def _publish(folder: Path, model: Path, **record: str) -> str:
    digest = digest_of(model) if model.exists() else ""
    files = {
        "metrics": document(folder / "metrics.json", scores(n=200, model_digest=digest)),
        "verdict": document(folder / "verdict.json", {"passed": True, "reasons": []}),
        "report": document(folder / "report.html", ""),
    }
    config = {"destination": str(folder / "models")}
    given = {**files, "config": config, "train": train_parameter(), "record": record}
    given["gate"] = GATE
    return str(call(publish, folder, model=model, run="run-1", **given)["Output"])


def test_a_model_is_stored_under_its_digest(tmp_path: Path, tiny_model: Path) -> None:
    stored = Path(_publish(tmp_path, tiny_model))
    assert stored == tmp_path / "models" / f"sha256-{digest_of(tiny_model)}"
    assert {file.name for file in tiny_model.iterdir()} <= {file.name for file in stored.iterdir()}


def test_the_same_model_is_stored_once(tmp_path: Path, tiny_model: Path) -> None:
    assert _publish(tmp_path, tiny_model) == _publish(tmp_path, tiny_model)
    assert len([f for f in (tmp_path / "models").iterdir() if f.name.startswith("sha256-")]) == 1


def test_a_model_is_entered_with_its_address_scores_recipe_and_verdict(
    tmp_path: Path, tiny_model: Path
) -> None:
    uri = _publish(tmp_path, tiny_model, registry=str(tmp_path / "registry"), service="banking")
    entry = Registry(tmp_path / "registry").of_run("run-1")["model"]
    assert entry.verdict is not None and entry.verdict.passed
    assert (entry.name, entry.uri, entry.digest) == ("banking", uri, digest_of(tiny_model))
    assert (entry.rows, entry.recipe) == (
        {"scored": 200},
        {**train_parameter(), "gate": GATE},
    )
    assert entry.reports == {"evaluation": str(tmp_path / "report.html")}


def test_a_step_that_is_run_again_enters_a_model_once(tmp_path: Path, tiny_model: Path) -> None:
    for _ in range(2):
        _publish(tmp_path, tiny_model, registry=str(tmp_path / "registry"))
    assert len(Registry(tmp_path / "registry").listing().entries) == 1


def test_without_a_registry_nothing_is_entered(tmp_path: Path, tiny_model: Path) -> None:
    _publish(tmp_path, tiny_model)
    assert not (tmp_path / "registry").exists()


def test_a_folder_that_is_not_there_ends_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _publish(tmp_path, tmp_path / "nowhere")
    assert stopped.value.code == 2
    assert "nowhere" in capsys.readouterr().err
