"""The Job that verifies a rollout, in the commits of mode git."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.artifacts.verdict import Verdict
from intentflow.deployment import DeployOptions, ModelFacts, render
from intentflow.deployment.gitops.service import change_files
from intentflow.deployment.rollout_job import rollout_name

VERDICT = Verdict(passed=True, model_digest="a" * 64, data_digest="d" * 64, prompt_digest="b" * 64)
PROBE = "s3://rows/probe.jsonl"

Deploy = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "banking"


@pytest.fixture
def newer(facts: ModelFacts) -> ModelFacts:
    return replace(facts, uri=facts.uri.replace("a" * 64, "e" * 64), digest="e" * 64)


@pytest.fixture
def deploy(folder: Path, options: DeployOptions) -> Deploy:
    """Change the files of the folder as a commit does."""

    def change(facts: ModelFacts, **more: Any) -> None:
        given = {**options.model_dump(exclude_unset=True), "mode": "git", "git_repo": "x", **more}
        chosen = DeployOptions.model_validate(given)
        change_files(folder, render(facts, chosen, VERDICT))

    return change


def _job(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "job.yaml").read_text())
    return found


def _name(folder: Path) -> str:
    return str(_job(folder)["metadata"]["name"])


def _arguments(folder: Path) -> list[str]:
    [container] = _job(folder)["spec"]["template"]["spec"]["containers"]
    arguments: list[str] = container["args"]
    return arguments


def test_a_first_commit_has_the_job(folder: Path, deploy: Deploy, facts: ModelFacts) -> None:
    deploy(facts, probe=PROBE)
    assert "job.yaml" in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert _arguments(folder) == [
        "--url=http://banking-transformer.team-a.svc.cluster.local",
        f"--model-digest={'a' * 64}",
        "--timeout=1800",
        f"--probe={PROBE}",
        f"--model={facts.uri}",
    ]


def test_another_model_is_verified_by_a_job_of_another_name(
    folder: Path, deploy: Deploy, facts: ModelFacts, newer: ModelFacts
) -> None:
    deploy(facts, probe=PROBE)
    former = _name(folder)
    deploy(newer)
    assert _name(folder) != former
    assert _arguments(folder)[1] == f"--model-digest={'e' * 64}"
    assert f"--model={newer.uri}" in _arguments(folder)


def test_rows_to_ask_stay_where_none_are_given(
    folder: Path, deploy: Deploy, facts: ModelFacts, newer: ModelFacts
) -> None:
    deploy(facts, probe=PROBE)
    deploy(newer)
    assert f"--probe={PROBE}" in _arguments(folder)


def test_rows_to_ask_are_added_later(folder: Path, deploy: Deploy, facts: ModelFacts) -> None:
    deploy(facts)
    deploy(facts, probe=PROBE)
    assert _arguments(folder)[-2:] == [f"--probe={PROBE}", f"--model={facts.uri}"]


def test_the_same_model_keeps_the_job(folder: Path, deploy: Deploy, facts: ModelFacts) -> None:
    deploy(facts)
    before = (folder / "job.yaml").read_text()
    deploy(facts)
    assert (folder / "job.yaml").read_text() == before


def test_the_former_model_has_its_former_job_again(
    folder: Path, deploy: Deploy, facts: ModelFacts, newer: ModelFacts
) -> None:
    deploy(facts)
    former = _name(folder)
    deploy(newer)
    deploy(facts)
    assert _name(folder) == former


def test_a_change_by_hand_is_verified_with_the_next_commit(
    folder: Path, deploy: Deploy, facts: ModelFacts
) -> None:
    deploy(facts)
    former, file = _name(folder), folder / "inferenceservice.yaml"
    file.write_text(file.read_text().replace("memory: 16Gi", "memory: 20Gi"))
    deploy(facts)
    assert _name(folder) != former


def test_what_maintainers_write_into_the_job_stays(
    folder: Path, deploy: Deploy, facts: ModelFacts, newer: ModelFacts
) -> None:
    deploy(facts)
    file = folder / "job.yaml"
    file.write_text(file.read_text().replace("--timeout=1800", "--timeout=60  # quick"))
    deploy(newer)
    assert "--timeout=60  # quick" in file.read_text()


def test_a_folder_without_a_job_gets_none_and_is_warned_of(
    folder: Path,
    deploy: Deploy,
    facts: ModelFacts,
    newer: ModelFacts,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deploy(facts, rollout_job=False)
    deploy(newer)
    assert not (folder / "job.yaml").exists()
    assert "banking has no Job that verifies the rollout" in caplog.text


def test_a_name_fits_a_label(facts: ModelFacts) -> None:
    assert len(rollout_name("b" * 40, [{"kind": "InferenceService"}])) <= 63
