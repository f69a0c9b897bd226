"""Pods that end the wait, by the statuses that were recorded."""

from __future__ import annotations

from typing import Any, cast

import pytest

from intentflow.cluster.client import Cluster
from intentflow.deployment.pod_failures import PodFailures, WaitLimits
from tests.simulators.records import recorded_events

Object = dict[str, Any]

DEPLOYMENT: Object = {
    "metadata": {
        "name": "banking-predictor",
        "uid": "1",
        "annotations": {"deployment.kubernetes.io/revision": "2"},
    }
}
HASH = "6bbf7f799d"
REFUSED = {
    "type": "ReplicaFailure",
    "status": "True",
    "reason": "FailedCreate",
    "message": 'pods "banking-predictor" is forbidden: exceeded quota: gpus',
}
STUCK = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}


class Answers:
    """A cluster with one current ReplicaSet and some events."""

    def __init__(self, *reasons: str) -> None:
        self._events = [{"reason": reason} for reason in reasons]

    def list(self, _version: str, kind: str, *_: object, **__: object) -> list[Object]:
        if kind == "Event":
            return self._events
        metadata = {
            "labels": {"pod-template-hash": HASH},
            "annotations": {"deployment.kubernetes.io/revision": "2"},
            "ownerReferences": [{"uid": "1"}],
        }
        return [{"metadata": metadata}]


def _failures(*reasons: str, **limits: float) -> PodFailures:
    cluster = cast(Cluster, Answers(*reasons))
    return PodFailures(cluster, "team-a", WaitLimits(60, **limits))  # type: ignore[arg-type]


def _pod(status: Object, template: str = HASH, **metadata: object) -> Object:
    labels = {"pod-template-hash": template}
    return {"metadata": {"name": "p", "uid": "p", "labels": labels, **metadata}, "status": status}


def _first_failure(record: str) -> tuple[float, str] | None:
    """Time and words of the first failure that a record's predictor pods show."""
    failures = _failures()
    for event in recorded_events(record):
        of_predictor = event.get("name", "").startswith("banking-predictor")
        if event["kind"] == "Pod" and of_predictor and "status" in event:
            found = failures.find([DEPLOYMENT], [_pod(event["status"])])
            if found:
                return event["t"], found
    return None


def test_third_restart_of_the_server_ends_the_wait_with_its_last_words() -> None:
    found = _first_failure("11-first-deployment-crash-loop")
    assert found
    assert found[0] == 23.9
    assert "kserve-container restarted 3 times: CrashLoopBackOff" in found[1]
    assert "ValueError: bad weights" in found[1]


def test_first_failure_of_the_storage_initializer_does_not_end_the_wait() -> None:
    assert _first_failure("09-storage-initializer-fails-once-by-kubectl") is None


def test_storage_initializer_that_always_fails_ends_the_wait() -> None:
    found = _first_failure("10-storage-initializer-fails-always-by-kubectl")
    assert found
    assert "storage-initializer restarted 3 times" in found[1]


def _crashing(restarts: int) -> Object:
    container = {"name": "kserve-container", "ready": False, "restartCount": restarts}
    return {"containerStatuses": [container]}


def test_restarts_from_before_the_change_do_not_count() -> None:
    failures = _failures()
    assert failures.find([DEPLOYMENT], [_pod(_crashing(7))]) is None
    assert failures.find([DEPLOYMENT], [_pod(_crashing(9))]) is None
    assert failures.find([DEPLOYMENT], [_pod(_crashing(10))])


def test_pod_of_the_former_template_does_not_count() -> None:
    failures = _failures()
    failures.find([DEPLOYMENT], [_pod(_crashing(0), "other")])
    assert failures.find([DEPLOYMENT], [_pod(_crashing(9), "other")]) is None


def test_pod_that_stays_unschedulable_ends_the_wait() -> None:
    found = _failures(unschedulable_seconds=0).find([DEPLOYMENT], [_pod({"conditions": [STUCK]})])
    assert found == "pod p cannot be scheduled: 0/1"


def test_pod_may_be_unschedulable_for_a_while() -> None:
    assert _failures().find([DEPLOYMENT], [_pod({"conditions": [STUCK]})]) is None


@pytest.mark.parametrize("reason", ["TriggeredScaleUp", "Nominated"])
def test_pod_for_which_a_node_is_added_is_waited_for(reason: str) -> None:
    failures = _failures(reason, unschedulable_seconds=0)
    assert failures.find([DEPLOYMENT], [_pod({"conditions": [STUCK]})]) is None


def test_pod_that_waits_for_the_gpu_of_one_that_ends_is_waited_for() -> None:
    failures = _failures(unschedulable_seconds=0)
    ending = _pod({}, "other", deletionTimestamp="2026-01-01T00:00:00Z")
    assert failures.find([DEPLOYMENT], [_pod({"conditions": [STUCK]}), ending]) is None


def test_refused_pods_end_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intentflow.deployment.pod_failures._REFUSED_SECONDS", 0)
    deployment = {**DEPLOYMENT, "status": {"conditions": [REFUSED]}}
    found = _failures().find([deployment], [])
    assert found
    assert found.startswith("the pods of Deployment banking-predictor are refused: FailedCreate")
    assert "exceeded quota" in found
