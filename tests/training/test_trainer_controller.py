"""The stand-in for Kubeflow Trainer is held to what the real controllers made of our objects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.real_parts.trainer_controller import (
    TORCH_DISTRIBUTED,
    ended_status,
    jobset_spec,
    record,
    refusal,
    running_status,
)


def _without_order(spec: dict[str, Any]) -> dict[str, Any]:
    (replicated,) = spec["replicatedJobs"]
    (container,) = replicated["template"]["spec"]["template"]["spec"]["containers"]
    container["env"] = sorted(container["env"], key=lambda item: str(item["name"]))
    return spec


@pytest.mark.parametrize("name", ["plain", "with-claim"])
def test_a_jobset_is_the_one_that_was_made(name: str) -> None:
    made = jobset_spec(record(f"{name}-trainjob"), TORCH_DISTRIBUTED)
    assert _without_order(made) == _without_order(record(f"{name}-jobset")["spec"])


@pytest.mark.parametrize("name", ["plain", "with-claim"])
def test_a_job_that_was_taken_is_admitted(name: str) -> None:
    assert refusal(record(f"{name}-trainjob")) == ""


def test_a_manager_without_a_domain_is_refused_in_the_recorded_words() -> None:
    job = record("with-claim-trainjob")
    job["spec"]["runtimePatches"][0]["manager"] = "intentflow"
    assert 'must be a domain-prefixed path (such as "acme.io/foo")' in refusal(job)


def test_patches_of_a_job_that_runs_are_not_changed() -> None:
    former, job = record("with-claim-trainjob"), record("plain-trainjob")
    assert "can only be modified when the TrainJob is suspended" in refusal(job, former)


@pytest.mark.parametrize(("name", "ready"), [("plain", True), ("with-claim", False)])
def test_the_status_of_a_job_that_runs_counts_jobs(name: str, ready: bool) -> None:
    assert record(f"{name}-trainjob")["status"] == running_status(ready)


@pytest.mark.parametrize(("name", "failed"), [("complete", False), ("failed", True)])
def test_the_status_of_a_job_that_ended(name: str, failed: bool) -> None:
    job = "intentflow-train-3d1b0fcf2996"
    assert record(f"{name}-status")["status"] == ended_status(job, failed)
