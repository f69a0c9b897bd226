"""Waiting for a service to be ready, and saying what keeps it from it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from intentflow.deploy.cluster import Cluster
from intentflow.errors import CheckFailed, IntentflowError

SERVICE = ("serving.kserve.io/v1beta1", "InferenceService")
_POLL_SECONDS = 1.0
_RETRIES = 4
# KServe's own words for a model that will not load however long one waits.
_HOPELESS = ("InvalidSpec", "BlockedByFailedLoad")


@dataclass(frozen=True)
class Readiness:
    """What a service's status says.

    Attributes:
        ready: Whether it serves what was asked for last.
        failed: Whether it said that it never will.
        url: Where, once known.
        message: What it waits for, or why it failed; one line.
    """

    ready: bool
    failed: bool
    url: str | None
    message: str


def wait_until_ready(cluster: Cluster, name: str, namespace: str, timeout_seconds: float) -> str:
    """Wait until the service is ready, each change of its status on stderr.

    Returns:
        Its URL; empty where the cluster gives none.

    Raises:
        CheckFailed: It failed or the time is over; with its conditions and its pods' messages.
    """
    deadline = time.monotonic() + timeout_seconds
    said = ""
    while True:
        state = readiness(_look(cluster, name, namespace))
        if state.ready:
            return state.url or ""
        if state.message != said:
            print(f"{name}: {state.message}", file=sys.stderr, flush=True)
            said = state.message
        if state.failed or time.monotonic() >= deadline:
            break
        time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    ending = "failed" if state.failed else f"was not ready after {timeout_seconds:g} s"
    pods = "; ".join(_service_pods(cluster, name, namespace)) or "no message from its pods"
    raise CheckFailed(f"{name} in {namespace} {ending}: {state.message}; {pods}")


def _look(cluster: Cluster, name: str, namespace: str) -> dict[str, Any]:
    """The service now; an API server that restarts meanwhile does not end the waiting."""
    for _ in range(_RETRIES):
        try:
            return cluster.get(*SERVICE, name, namespace)
        except IntentflowError as error:
            print(f"{name}: {error}; asking again", file=sys.stderr, flush=True)
            time.sleep(_POLL_SECONDS)
    return cluster.get(*SERVICE, name, namespace)


def readiness(service: Mapping[str, Any]) -> Readiness:
    """Read an InferenceService's status; one that is about a former generation is not ready."""
    status = service.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    model = status.get("modelStatus") or {}
    observed = status.get("observedGeneration")
    current = observed is None or observed >= service["metadata"].get("generation", 0)
    settled = model.get("transitionStatus") in (None, "UpToDate")
    stands = (conditions.get("Ready") or {}).get("status") == "True"
    failed = current and model.get("transitionStatus") in _HOPELESS
    return Readiness(
        ready=stands and current and settled,
        failed=failed,
        url=status.get("url"),
        message=_describe(conditions, model, current=current),
    )


def _service_pods(cluster: Cluster, name: str, namespace: str) -> list[str]:
    return pod_messages(cluster, namespace, f"serving.kserve.io/inferenceservice={name}")


def pod_messages(cluster: Cluster, namespace: str, labels: str) -> list[str]:
    """What the pods with these labels say of containers that do not run."""
    try:
        pods = cluster.list("v1", "Pod", namespace, labels)
    except IntentflowError as error:
        return [f"its pods could not be read: {error}"]
    return [message for pod in pods for message in _pod_messages(pod)]


def _describe(
    conditions: Mapping[str, Mapping[str, Any]], model: Mapping[str, Any], *, current: bool
) -> str:
    if not current:
        return "the controller has not seen the change yet"
    failure = model.get("lastFailureInfo") or {}
    if failure:
        return " ".join(_flat([failure.get("reason"), failure.get("message")]))
    if not conditions:
        return "no status yet: is the KServe controller running?"
    waiting = [
        " ".join(
            _flat([f"{kind} is {item.get('status')}", item.get("reason"), item.get("message")])
        )
        for kind, item in sorted(conditions.items())
        if item.get("status") != "True" and item.get("severity") != "Info"
    ]
    return "; ".join(waiting) or f"model is {model.get('transitionStatus', 'being loaded')}"


def _pod_messages(pod: Mapping[str, Any]) -> Iterable[str]:
    status = pod.get("status") or {}
    name = pod["metadata"]["name"]
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield f"pod {name}: {' '.join(_flat([condition.get('message')]))}"
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(key) or ():
            words = _container_words(container)
            if words:
                yield f"pod {name}, container {container.get('name')}: {words}"


def _container_words(container: Mapping[str, Any]) -> str:
    """The reason and message of a container that waits or has ended badly."""
    found: list[object] = []
    waiting = (container.get("state") or {}).get("waiting") or {}
    found += [waiting.get("reason"), waiting.get("message")]
    for key in ("state", "lastState"):
        ended = (container.get(key) or {}).get("terminated") or {}
        if ended.get("exitCode"):
            found += [f"exit code {ended['exitCode']}", ended.get("reason"), ended.get("message")]
    return " ".join(_flat(found))


def _flat(parts: Iterable[object]) -> list[str]:
    return [" ".join(str(part).split()) for part in parts if part]
