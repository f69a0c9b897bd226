"""What a deployment, a promotion and a rollback make of the aliases of a service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.verdict import Decision
from intentflow.cli.main import main
from intentflow.deployment.options import DeployOptions
from intentflow.errors import InputError
from intentflow.pipeline.steps.record_service import (
    DeployedFacts,
    record_deployment,
    record_promotion,
    record_rollback,
    require_registry,
)
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.registry import Registry
from tests.registry.entries import SERVICE, model, weeks


def _recorded(place: Path, run: str = "") -> Recorded:
    return Recorded(RecordConfig(registry=str(place), service=SERVICE), run, "1+abc")


def _deploy(place: Path, digest: str, **options: Any) -> str:
    given = DeployOptions.model_validate({"name": SERVICE, **options})
    made = DeployedFacts(digest, verdict=Decision(passed=True))
    return record_deployment(_recorded(place), given, made)


def _digests(place: Path) -> dict[str, str]:
    """The digest of the model that each alias points to."""
    registry = Registry(place)
    current = registry.aliases(SERVICE).current
    return {alias: registry.entry(one).digest for alias, one in current.items()}


def test_a_deployment_makes_a_champion_and_keeps_the_previous_one(tmp_path: Path) -> None:
    for digest in ("a", "b"):
        _deploy(tmp_path, digest)
    assert _digests(tmp_path) == {"champion": "b", "previous": "a"}


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "apply", "canary_percent": 10},
        {"mode": "apply", "canary_percent": 0},
        {"mode": "git", "git_repo": "https://h/r.git", "git_push_branch": "pr"},
    ],
)
def test_a_canary_or_a_commit_to_be_merged_is_the_challenger(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    _deploy(tmp_path, "a")
    _deploy(tmp_path, "b", **options)
    assert _digests(tmp_path) == {"champion": "a", "challenger": "b"}


def test_a_promoted_challenger_is_the_champion(tmp_path: Path) -> None:
    _deploy(tmp_path, "a")
    _deploy(tmp_path, "b", mode="apply", canary_percent=10)
    record_promotion(_recorded(tmp_path), DeployedFacts("b"))
    assert _digests(tmp_path) == {"champion": "b", "previous": "a"}


def test_a_rollback_restores_the_previous_champion(tmp_path: Path) -> None:
    for digest in ("a", "b"):
        _deploy(tmp_path, digest)
    record_rollback(_recorded(tmp_path), DeployedFacts("a"))
    assert _digests(tmp_path) == {"champion": "a", "previous": "b"}


def test_a_rollback_takes_the_challenger_away(tmp_path: Path) -> None:
    _deploy(tmp_path, "a")
    _deploy(tmp_path, "b", mode="apply", canary_percent=10)
    record_rollback(_recorded(tmp_path), DeployedFacts("a"))
    assert _digests(tmp_path) == {"champion": "a"}


def test_the_model_that_a_run_recorded_is_the_one_that_is_deployed(tmp_path: Path) -> None:
    known = model(Registry(tmp_path), 3, digest="a" * 64)
    _deploy(tmp_path, "a" * 64)
    assert Registry(tmp_path).aliases(SERVICE).current == {"champion": known}


def test_a_model_from_elsewhere_gets_an_entry(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _deploy(tmp_path, "a")
    (entry,) = Registry(tmp_path).models(SERVICE)
    assert (entry.digest, entry.verdict is not None and entry.verdict.passed) == ("a", True)
    assert "no entry of the model a: it gets one" in caplog.text


def test_every_deployment_is_an_entry(tmp_path: Path) -> None:
    for _ in range(2):
        added = _deploy(tmp_path, "a")
    listing = Registry(tmp_path).listing()
    assert listing.entries[added].kind == "deployment"
    assert listing.entries[added].recipe == {"name": SERVICE}


def test_a_damaged_registry_is_found_before_a_service_is_changed(tmp_path: Path) -> None:
    weeks(tmp_path, 1)
    (tmp_path / f"aliases/{SERVICE}.json").write_text("{")
    with pytest.raises(InputError, match="damaged: not JSON"):
        require_registry(_recorded(tmp_path))


@pytest.mark.parametrize("verb", ["promote", "rollback"])
def test_a_command_with_a_damaged_registry_is_one_line_and_changes_nothing(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weeks(tmp_path, 1)
    (tmp_path / f"aliases/{SERVICE}.json").write_text("{")
    assert main([verb, SERVICE, "--registry", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"aliases/{SERVICE}.json: damaged: not JSON" in line


def test_deploy_records_what_it_rendered(
    tmp_path: Path, model_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["deploy", "--model", str(model_directory), "--name", SERVICE, "--json"]
    assert main([*line, "--registry", str(tmp_path / "registry")]) == 0
    (entry,) = Registry(tmp_path / "registry").models(SERVICE)
    assert (entry.uri, entry.verdict) == (str(model_directory), None)
    assert Registry(tmp_path / "registry").aliases(SERVICE).current == {"champion": entry.id}


def test_deploy_records_nothing_unless_asked(
    tmp_path: Path, model_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTENTFLOW_REGISTRY", raising=False)
    assert main(["deploy", "--model", str(model_directory), "--name", SERVICE, "--json"]) == 0
    assert not (tmp_path / "registry").exists()
