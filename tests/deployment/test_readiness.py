"""Waiting, with answers of the cluster that a real one seldom gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from intentflow.deployment.readiness import readiness, wait_until_ready
from intentflow.errors import ServiceError

READY = {"conditions": [{"type": "Ready", "status": "True"}], "url": "http://banking"}


class FlakyCluster:
    """Fails some times before it answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def watch(self, *_: object) -> Iterator[tuple[str, dict[str, Any]]]:
        if self.failures:
            self.failures -= 1
            raise ServiceError("the cluster cannot be reached")
        yield "ADDED", {"metadata": {"generation": 1}, "status": READY}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intentflow.deployment.readiness._PAUSE_SECONDS", 0.01)


def test_restart_of_the_api_server_does_not_end_the_waiting() -> None:
    cluster: Any = FlakyCluster(failures=3)
    assert wait_until_ready(cluster, "banking", "team-a", 5) == "http://banking"


def test_api_server_that_stays_away_ends_the_waiting() -> None:
    cluster: Any = FlakyCluster(failures=100)
    with pytest.raises(ServiceError, match="cannot be reached"):
        wait_until_ready(cluster, "banking", "team-a", 5)


def test_ready_of_a_former_generation_is_not_ready() -> None:
    status = {**READY, "observedGeneration": 1}
    assert not readiness({"metadata": {"generation": 2}, "status": status}).ready
    assert readiness({"metadata": {"generation": 1}, "status": status}).ready


def test_service_without_a_status_asks_for_the_controller() -> None:
    state = readiness({"metadata": {"generation": 1}})
    assert not state.ready
    assert "is the KServe controller running" in state.message


def test_service_is_not_ready_while_its_canary_is_not() -> None:
    service = {
        "metadata": {"generation": 1},
        "spec": {"canary": [{"predictor": {"name": "cnew"}, "trafficPercent": 10}]},
        "status": {**READY, "canaryStatuses": [{"name": "cnew", "ready": False}]},
    }
    state = readiness(service)
    assert (state.ready, state.message) == (False, "canary cnew is not ready")


def test_service_is_ready_when_its_canary_is() -> None:
    service = {
        "metadata": {"generation": 1},
        "spec": {"canary": [{"predictor": {"name": "cnew"}, "trafficPercent": 10}]},
        "status": {**READY, "canaryStatuses": [{"name": "cnew", "ready": True}]},
    }
    assert readiness(service).ready
