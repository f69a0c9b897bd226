"""Waiting, with answers of the cluster that a real one seldom gives."""

from __future__ import annotations

from typing import Any

import pytest
from urllib3.exceptions import HTTPError

from intentflow.deployment.pod_failures import WaitLimits
from intentflow.deployment.readiness import ClusterAwayError, readiness, wait_until_ready
from intentflow.errors import CheckFailed, ServiceError
from tests.simulators.records import recorded_events

STATUS = {"conditions": [{"type": "Ready", "status": "True"}], "url": "http://banking"}
SERVICE = {"metadata": {"name": "banking", "generation": 1}, "spec": {}, "status": STATUS}


class FlakyCluster:
    """Fails some times before it answers."""

    def __init__(self, failures: int, cause: Exception | None = None) -> None:
        self._failures, self._cause = failures, cause or HTTPError()

    def find(self, *_: object) -> dict[str, Any]:
        if self._failures:
            self._failures -= 1
            raise ServiceError("the cluster cannot be reached") from self._cause
        return SERVICE


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intentflow.deployment.readiness._PAUSE_SECONDS", 0.01)


def test_api_server_that_is_away_is_waited_for() -> None:
    cluster: Any = FlakyCluster(failures=50)
    assert wait_until_ready(cluster, "banking", "team-a", WaitLimits(20)).url == "http://banking"


def test_api_server_that_stays_away_leaves_the_state_unknown() -> None:
    cluster: Any = FlakyCluster(failures=1_000_000)
    with pytest.raises(ClusterAwayError, match="cannot be reached"):
        wait_until_ready(cluster, "banking", "team-a", WaitLimits(0.2))


def test_refusal_ends_the_waiting() -> None:
    refusal = Exception()
    refusal.status = 403  # type: ignore[attr-defined]
    cluster: Any = FlakyCluster(failures=2, cause=refusal)
    with pytest.raises(ServiceError):
        wait_until_ready(cluster, "banking", "team-a", WaitLimits(20))


def test_deleted_service_ends_the_waiting() -> None:
    class Empty:
        def find(self, *_: object) -> None:
            return None

    cluster: Any = Empty()
    with pytest.raises(CheckFailed, match="was deleted in the meantime"):
        wait_until_ready(cluster, "banking", "team-a", WaitLimits(20))


def test_a_pod_asks_at_the_address_inside_the_cluster() -> None:
    last = [it for it in recorded_events("02-update") if it["kind"] == "InferenceService"][-1]
    state = readiness({**SERVICE, "status": last["status"]})
    inside = "http://banking-transformer.team-a.svc.cluster.local"
    assert state.reachable_url(in_pod=True) == inside
    assert state.reachable_url(in_pod=False) == "http://banking-team-a.example.com"


def test_a_service_without_an_address_is_asked_at_its_url() -> None:
    assert readiness(SERVICE).reachable_url(in_pod=True) == "http://banking"


def test_observed_generation_is_not_compared_with_the_services_own() -> None:
    last = [it for it in recorded_events("14-predictor-alone") if it["kind"] == "InferenceService"]
    service = {**SERVICE, "metadata": {"generation": 3}, "status": last[-1]["status"]}
    assert last[-1]["status"]["observedGeneration"] == 1
    assert readiness(service).ready


def test_failure_of_a_healthy_service_is_not_repeated() -> None:
    events = recorded_events("09-storage-initializer-fails-once-by-kubectl")
    status = [it for it in events if it["kind"] == "InferenceService"][-1]["status"]
    assert status["modelStatus"]["lastFailureInfo"]
    state = readiness({**SERVICE, "status": status})
    assert state.ready
    assert "ModelLoadFailed" not in state.message


def test_cause_is_reported_once() -> None:
    reason = {"reason": "ReconcileFailed", "message": "must be no more than 63 characters"}
    conditions = [
        {"type": kind, "status": "False", **reason} for kind in ("PredictorReady", "Ready")
    ]
    state = readiness({**SERVICE, "status": {"conditions": conditions}})
    assert state.message.count("63 characters") == 1


def test_service_without_a_status_asks_for_the_controller() -> None:
    state = readiness({"metadata": {"generation": 1}})
    assert not state.ready
    assert "is the KServe controller running" in state.message


@pytest.mark.parametrize("ready", [True, False])
def test_service_is_ready_when_its_canary_is(ready: bool) -> None:
    service = {
        "metadata": {"generation": 1},
        "spec": {"canary": [{"predictor": {"name": "cnew"}, "trafficPercent": 10}]},
        "status": {**STATUS, "canaryStatuses": [{"name": "cnew", "ready": ready}]},
    }
    state = readiness(service)
    assert state.ready is ready
    assert ("canary cnew is not ready" in state.message) is not ready


@pytest.mark.parametrize("state", ["False", "Unknown"])
def test_a_service_without_an_ingress_is_ready_when_its_transformer_is(state: str) -> None:
    transformer = {"type": "TransformerReady", "status": state, "severity": "Info"}
    status = {**STATUS, "conditions": [*STATUS["conditions"], transformer]}
    found = readiness({**SERVICE, "status": status})
    assert not found.ready
    assert "the transformer is not ready" in found.message


def test_knative_service_is_not_ready_before_its_last_revision() -> None:
    part = {"latestCreatedRevision": "banking-2", "latestReadyRevision": "banking-1"}
    state = readiness({**SERVICE, "status": {**STATUS, "components": {"predictor": part}}})
    assert not state.ready


class CrashingRevision:
    """A Knative service whose newest revision crashes, one restart more at each look.

    Args:
        restarts: Restarts at the first look.
        looks: Looks until KServe has the next revision, which is ready.
    """

    def __init__(self, restarts: int, looks: int) -> None:
        self._restarts, self._looks = restarts, looks
        self.asked_for: set[str] = set()

    def find(self, *_: object) -> dict[str, Any]:
        self._looks -= 1
        if self._looks < 0:
            return {**SERVICE, "status": {**STATUS, "deploymentMode": "Knative"}}
        part = {"latestCreatedRevision": "banking-predictor-00002"}
        status = {**STATUS, "components": {"predictor": part}, "deploymentMode": "Knative"}
        return {**SERVICE, "status": status}

    def list(self, _version: str, _kind: str, _namespace: str, labels: str) -> list[Any]:
        self.asked_for.add(labels)
        self._restarts += 1
        waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
        container = {"name": "kserve-container", "restartCount": self._restarts, "state": waiting}
        metadata = {"name": "banking-predictor-00002-1", "uid": "1"}
        return [{"metadata": metadata, "status": {"containerStatuses": [container]}}]


def test_a_knative_revision_that_keeps_crashing_ends_the_waiting() -> None:
    cluster: Any = CrashingRevision(restarts=0, looks=1000)
    with pytest.raises(CheckFailed, match="kserve-container restarted 4 times: CrashLoopBackOff"):
        wait_until_ready(cluster, "banking", "team-a", WaitLimits(20))
    [labels] = cluster.asked_for
    assert labels.endswith(",serving.knative.dev/revision in (banking-predictor-00002)")


def test_a_former_knative_revision_that_crashed_does_not_end_the_waiting() -> None:
    cluster: Any = CrashingRevision(restarts=9, looks=2)
    assert wait_until_ready(cluster, "banking", "team-a", WaitLimits(20)).ready
