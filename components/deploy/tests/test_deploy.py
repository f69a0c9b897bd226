"""The deploy component: it renders, and refuses what the gate did not pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.components.deploy.component import deploy
from intentflow.deployment import read_facts
from intentflow.registry import Registry
from tests.components.calls import call, document


def _deploy(
    folder: Path, model: Path, record: dict[str, str] | None = None, **verdict: Any
) -> dict[str, Any]:
    facts = read_facts(str(model))
    passing = {
        "passed": True,
        "reasons": [],
        "rules": [],
        "model_digest": facts.digest,
        "data_digest": "d" * 64,
        "prompt_digest": facts.prompt_digest,
        "constrained": True,
        "engine": "transformers",
        "policy": "policy.yaml",
    }
    file = document(folder / "verdict.json", {**passing, **verdict})
    config = {"name": "banking", "namespace": "team-a", "mode": "render"}
    given = {"config": config, "record": record or {}, "run": "run-1"}
    return call(deploy, folder, model_uri=str(model), verdict=file, **given)


def test_manifests_of_the_service_are_rendered(tmp_path: Path, model_directory: Path) -> None:
    manifests = _deploy(tmp_path, model_directory)["manifests"]
    text = (Path(manifests.path) / "inferenceservice.yaml").read_text(encoding="utf-8")
    assert next(yaml.safe_load_all(text))["metadata"]["name"] == "banking"


def test_artifact_tells_the_mode_and_that_a_verdict_was_given(
    tmp_path: Path, model_directory: Path
) -> None:
    metadata = _deploy(tmp_path, model_directory)["manifests"].metadata
    assert (metadata["mode"], metadata["verified"]) == ("render", True)


def test_a_deployed_model_is_the_champion(tmp_path: Path, model_directory: Path) -> None:
    record = {"registry": str(tmp_path / "registry"), "service": "banking"}
    _deploy(tmp_path, model_directory, record)
    listing = Registry(tmp_path / "registry").listing()
    champion = listing.entries[listing.find("banking/champion")]
    assert champion.digest == read_facts(str(model_directory)).digest
    assert [listing.entries[one].kind for one in listing.descendants(champion.id)] == ["deployment"]


def test_a_refused_model_moves_no_alias(tmp_path: Path, model_directory: Path) -> None:
    record = {"registry": str(tmp_path / "registry"), "service": "banking"}
    with pytest.raises(SystemExit):
        _deploy(tmp_path, model_directory, record, passed=False)
    assert not (tmp_path / "registry").exists()


@pytest.mark.parametrize("changed", [{"passed": False}, {"model_digest": "e" * 64}])
def test_a_verdict_that_failed_or_is_of_another_model_ends_the_step(
    tmp_path: Path,
    model_directory: Path,
    changed: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _deploy(tmp_path, model_directory, **changed)
    assert stopped.value.code != 0
    assert "intentflow deploy: error: " in capsys.readouterr().err
    assert not (tmp_path / "manifests").exists()
