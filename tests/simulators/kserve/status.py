"""The status of an InferenceService, as KServe computes it."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from tests.simulators.api import Object
from tests.simulators.kserve.names import CONTAINER, STORAGE_INITIALIZER

_DEPENDENTS = ("PredictorReady", "IngressReady")  # inference_service_status.go:295-298
_READY = "Ready"


class Status:
    """A status under reconciliation (apis/serving/v1beta1/inference_service_status.go).

    Args:
        former: The status that was written last.
    """

    def __init__(self, former: Object | None) -> None:
        self.fields: dict[str, Any] = deepcopy(former or {})
        self._conditions = {item["type"]: item for item in self.fields.get("conditions") or ()}
        if _READY not in self._conditions:  # controller.go:226-228
            for kind in (*_DEPENDENTS, _READY):
                self._set(kind, "Unknown")

    def written(self) -> Object:
        """The status to write."""
        conditions = sorted(self._conditions.values(), key=lambda item: str(item["type"]))
        return {**self.fields, "conditions": conditions}

    def is_true(self, kind: str) -> bool:
        """Whether a condition is True."""
        return (self._conditions.get(kind) or {}).get("status") == "True"

    def mark(self, kind: str, status: str, reason: str = "", message: str = "") -> None:
        """Set a condition, and Ready with it (knative.dev/pkg/apis/condition_set.go)."""
        self._set(kind, status, reason, message)
        if status == "True":
            self._recompute_ready()
            return
        failed = any(self._is(dependent, "False") for dependent in _DEPENDENTS)
        if kind in _DEPENDENTS and (status == "False" or not failed):
            self._set(_READY, status, reason, message)

    def clear(self, kind: str) -> None:
        """Remove a condition."""
        self._conditions.pop(kind, None)

    def propagate_deployment(self, component: str, deployment: Object | None, url: str) -> None:
        """inference_service_status.go:360-458; None is one that was created just now."""
        status = (deployment or {}).get("status") or {}
        found = {item["type"]: item for item in status.get("conditions") or ()}
        kind = f"{component.capitalize()}Ready"
        state = _component_condition(found)
        components = self.fields.setdefault("components", {})
        components.setdefault(component, {})
        if state[0] == "True":
            components[component]["url"] = f"http://{url}"
        self.mark(kind, *state)
        # A Deployment's, and that of the component that comes last (:455-457).
        if status.get("observedGeneration"):
            self.fields["observedGeneration"] = status["observedGeneration"]
        else:
            self.fields.pop("observedGeneration", None)

    def propagate_model(self, pods: list[Object]) -> bool:
        """inference_service_status.go:721-819; False asks for another look in a second."""
        model = self.fields.setdefault("modelStatus", {})
        ready = sum(_is_ready(pod) for pod in pods)
        model["copies"] = {"failedCopies": 0} | ({"totalCopies": ready} if ready else {})
        if not pods:
            self._model_state("Pending")
            return True
        initializer = _container(pods[0], "initContainerStatuses", STORAGE_INITIALIZER)
        state = initializer.get("state") or {}
        last = (initializer.get("lastState") or {}).get("terminated")
        if "running" in state:
            if last:
                return False
            self._model_state("Loading")
            return True
        failure = _failure(initializer)
        if failure:
            self._model_state("FailedToLoad", failure)
            return True
        if self.is_true(_READY):
            self._model_state("Loaded")
            return True
        server = _container(pods[0], "containerStatuses", CONTAINER)
        failure = _failure(server)
        if failure:
            self._model_state("FailedToLoad", failure)
        elif server:
            self._model_state("Pending")
        return True

    def invalid_spec(self, reason: str, message: str) -> None:
        """inference_service_status.go:679-692."""
        model = self.fields.setdefault("modelStatus", {})
        model["transitionStatus"] = "InvalidSpec"
        model.setdefault("states", {})["targetModelState"] = "FailedToLoad"
        model["lastFailureInfo"] = {"reason": reason, "message": message}

    def _model_state(self, state: str, failure: Object | None = None) -> None:
        """inference_service_status.go:658-677: a failure stays until the next one."""
        model = self.fields["modelStatus"]
        states = model.setdefault("states", {"activeModelState": ""})
        states["targetModelState"] = state
        transitions = {"FailedToLoad": "BlockedByFailedLoad", "Loaded": "UpToDate"}
        model["transitionStatus"] = transitions.get(state, "InProgress")
        if state == "Loaded":
            states["activeModelState"] = state
        if failure:
            model["lastFailureInfo"] = failure

    def _recompute_ready(self) -> None:
        for status in ("False", "Unknown"):
            for kind in _DEPENDENTS:
                if self._is(kind, status):
                    item = self._conditions[kind]
                    self._set(_READY, status, item.get("reason", ""), item.get("message", ""))
                    return
        self._set(_READY, "True")

    def _is(self, kind: str, status: str) -> bool:
        return str((self._conditions.get(kind) or {}).get("status")) == status

    def _set(self, kind: str, status: str, reason: str = "", message: str = "") -> None:
        item = {"type": kind, "status": status}
        item |= {"reason": reason} if reason else {}
        item |= {"message": message} if message else {}
        item |= {"severity": "Info"} if kind not in (*_DEPENDENTS, _READY) else {}
        former = self._conditions.get(kind) or {}
        if {key: value for key, value in former.items() if key != "lastTransitionTime"} != item:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._conditions[kind] = {**item, "lastTransitionTime": now}


def _component_condition(found: dict[str, Object]) -> tuple[str, str, str]:
    """Status, reason, message: inference_service_status.go:373-448."""
    available, progressing = found.get("Available"), found.get("Progressing")
    state = ("False", "", "")
    if available and available["status"] == "True":
        state = ("True", available.get("reason", ""), available.get("message", ""))
    if progressing:
        stated = (progressing.get("reason", ""), progressing.get("message", ""))
        if progressing["status"] == "False":
            state = ("False", *stated) if stated[1] else state
        elif progressing["status"] == "True" and stated[0] == "NewReplicaSetAvailable":
            state = ("True", *stated)
        elif progressing["status"] == "True" and state[0] != "True":
            state = ("Unknown", *stated)
    if available and available["status"] == "False":
        state = ("False", available.get("reason", ""), available.get("message", ""))
    failure = found.get("ReplicaFailure")
    if failure and failure["status"] == "True":
        state = ("False", failure.get("reason", ""), failure.get("message", ""))
    return state


def _is_ready(pod: Object) -> bool:
    status = pod.get("status") or {}
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or ()}
    return status.get("phase") == "Running" and conditions.get("Ready") == "True"


def _container(pod: Object, key: str, name: str) -> Object:
    for item in (pod.get("status") or {}).get(key) or ():
        if item["name"] == name:
            return dict(item)
    return {}


def _failure(container: Object) -> Object | None:
    """inference_service_status.go:766-780, 798-817."""
    state = container.get("state") or {}
    ended = state.get("terminated") or {}
    if ended.get("reason") != "Error":
        if (state.get("waiting") or {}).get("reason") != "CrashLoopBackOff":
            return None
        ended = (container.get("lastState") or {}).get("terminated") or {}
    failure = {"reason": "ModelLoadFailed", "exitCode": ended.get("exitCode")}
    return {**failure, "message": ended["message"]} if ended.get("message") else failure
