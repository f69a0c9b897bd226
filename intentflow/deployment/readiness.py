"""Readiness of a service: waiting for it, and the reasons why it is not ready."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from intentflow.cluster.client import Cluster
from intentflow.cluster.pod_diagnostics import flat, pod_messages, service_pods
from intentflow.errors import CheckFailed, IntentflowError

log = logging.getLogger(__name__)

SERVICE = ("serving.kserve.io/v1beta1", "InferenceService")
# A connection that was lost silently is detected after this time.
_WATCH_SECONDS = 30.0
_PAUSE_SECONDS = 1.0
_RETRIES = 4
# KServe's states of a model that will never load.
_FINAL_FAILURES = ("InvalidSpec", "BlockedByFailedLoad")


@dataclass(frozen=True)
class Readiness:
    """The readiness of a service according to its status.

    Attributes:
        ready: Whether it serves the state that was requested last.
        failed: Whether it will never become ready.
        url: URL of the service, once known.
        message: The pending condition, or the reason of the failure; one line.
    """

    ready: bool
    failed: bool
    url: str | None
    message: str


def wait_until_ready(cluster: Cluster, name: str, namespace: str, timeout_seconds: float) -> str:
    """Wait until the service is ready, logging each change of its status.

    Returns:
        Its URL; empty if the cluster has none.

    Raises:
        CheckFailed: It failed, was deleted or the time is over; with its conditions and its pods'
            messages.
    """
    last_message = "no status yet"
    for state in _states(cluster, name, namespace, timeout_seconds):
        if state.ready:
            return state.url or ""
        if state.message != last_message:
            log.info("%s: %s", name, state.message)
            last_message = state.message
        if state.failed:
            raise _not_ready(cluster, name, namespace, "failed", last_message)
    raise _not_ready(
        cluster, name, namespace, f"was not ready after {timeout_seconds:g} s", last_message
    )


def _states(
    cluster: Cluster, name: str, namespace: str, timeout_seconds: float
) -> Iterator[Readiness]:
    """The service's state at each change; a restart of the API server does not end the stream."""
    deadline = time.monotonic() + timeout_seconds
    failures = 0  # in a row; tenacity counts a call's attempts, and this stream yields in between
    while (left := deadline - time.monotonic()) > 0:
        try:
            window = min(left, _WATCH_SECONDS)
            for kind, service in cluster.watch(*SERVICE, name, namespace, window):
                failures = 0
                if kind == "DELETED":
                    raise CheckFailed(f"{name} in {namespace} was deleted in the meantime")
                yield readiness(service)
        except CheckFailed:
            raise
        except IntentflowError as error:
            failures += 1
            if failures > _RETRIES:
                raise
            log.warning("%s: %s; retrying", name, error)
            time.sleep(_PAUSE_SECONDS)


def _not_ready(
    cluster: Cluster, name: str, namespace: str, ending: str, last_message: str
) -> CheckFailed:
    messages = pod_messages(cluster, namespace, service_pods(name))
    pods = "; ".join(messages) or "no message from its pods"
    return CheckFailed(f"{name} in {namespace} {ending}: {last_message}; {pods}")


def readiness(service: Mapping[str, Any]) -> Readiness:
    """Read an InferenceService's status; a status of an earlier generation is not ready."""
    status = service.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    model = status.get("modelStatus") or {}
    observed = status.get("observedGeneration")
    current = observed is None or observed >= service["metadata"].get("generation", 0)
    settled = model.get("transitionStatus") in (None, "UpToDate")
    is_ready = (conditions.get("Ready") or {}).get("status") == "True"
    failed = current and model.get("transitionStatus") in _FINAL_FAILURES
    canaries = _waiting_canaries(service)
    return Readiness(
        ready=is_ready and current and settled and not canaries,
        failed=failed,
        url=status.get("url"),
        message=_describe(conditions, model, canaries, current=current),
    )


def _waiting_canaries(service: Mapping[str, Any]) -> list[str]:
    """Requested canaries that are not ready; Ready alone concerns the stable predictor."""
    requested = [item["predictor"]["name"] for item in service.get("spec", {}).get("canary") or ()]
    statuses = (service.get("status") or {}).get("canaryStatuses") or ()
    ready = {item["name"] for item in statuses if item.get("ready")}
    return [name for name in requested if name not in ready]


def _describe(
    conditions: Mapping[str, Mapping[str, Any]],
    model: Mapping[str, Any],
    canaries: list[str],
    *,
    current: bool,
) -> str:
    if not current:
        return "the controller has not seen the change yet"
    failure = model.get("lastFailureInfo") or {}
    if failure:
        return " ".join(flat([failure.get("reason"), failure.get("message")]))
    if not conditions:
        return "no status yet: is the KServe controller running?"
    waiting = [
        " ".join(flat([f"{kind} is {item.get('status')}", item.get("reason"), item.get("message")]))
        for kind, item in sorted(conditions.items())
        if item.get("status") != "True" and item.get("severity") != "Info"
    ]
    waiting += [f"canary {name} is not ready" for name in canaries]
    return "; ".join(waiting) or f"model is {model.get('transitionStatus', 'being loaded')}"
