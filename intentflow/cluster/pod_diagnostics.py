"""Diagnostics of pods that do not become ready: states, events and logs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from intentflow.cluster.client import Cluster
from intentflow.errors import IntentflowError

log = logging.getLogger(__name__)

_EVENTS = 5
_LOG_LINES = 10


def service_pods(name: str) -> str:
    """The label selector of a service's pods."""
    return f"serving.kserve.io/inferenceservice={name}"


def pod_messages(cluster: Cluster, namespace: str, labels: str) -> list[str]:
    """Messages about containers that do not run, for the pods with these labels."""
    try:
        pods = cluster.list("v1", "Pod", namespace, labels)
    except IntentflowError as error:
        return [f"its pods could not be read: {error}"]
    return [problem for pod in pods for problem in pod_problems(pod)]


def pod_problems(pod: Mapping[str, Any]) -> Iterable[str]:
    """Reasons why a pod is not scheduled, and its containers wait or have failed; a line each."""
    status = pod.get("status") or {}
    name = pod["metadata"]["name"]
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield f"pod {name}: {' '.join(flat([condition.get('message')]))}"
    for container in container_statuses(pod):
        problem = container_problem(container)
        if problem:
            yield f"pod {name}, container {container.get('name')}: {problem}"


def diagnose_pods(cluster: Cluster, name: str, namespace: str) -> list[str]:
    """The last warnings about a service's pods and the ends of their logs, one line each.

    If something cannot be read, that is one of the lines, so it never hides the cause of a failure.
    """
    try:
        pods = cluster.list("v1", "Pod", namespace, service_pods(name))
    except IntentflowError as error:
        return [f"its pods could not be read: {error}"]
    warnings = [line for pod in pods for line in _warnings(cluster, pod)]
    return warnings + [line for pod in pods for line in _log_ends(cluster, pod)]


def log_diagnostics(cluster: Cluster, name: str, namespace: str) -> None:
    """Log the lines of :func:`diagnose_pods`."""
    for line in diagnose_pods(cluster, name, namespace):
        log.warning("%s: %s", name, line)


def flat(parts: Iterable[object]) -> list[str]:
    """The non-empty parts, without line breaks."""
    return [" ".join(str(part).split()) for part in parts if part]


def _warnings(cluster: Cluster, pod: Mapping[str, Any]) -> list[str]:
    metadata = pod["metadata"]
    about = f"involvedObject.name={metadata['name']},type=Warning"
    try:
        events = cluster.list("v1", "Event", metadata["namespace"], "", fields=about)
    except IntentflowError as error:
        return [f"its events could not be read: {error}"]
    events.sort(key=lambda event: str(event.get("lastTimestamp") or ""))
    return [
        " ".join(flat([f"pod {metadata['name']}:", event.get("reason"), event.get("message")]))
        for event in events[-_EVENTS:]
    ]


def _log_ends(cluster: Cluster, pod: Mapping[str, Any]) -> Iterable[str]:
    """Log ends of all containers that are not ready; of the previous run after a restart."""
    for container in container_statuses(pod):
        if not container.get("ready") and _has_a_log(container):
            yield from _log_end(cluster, pod, container)


def _has_a_log(container: Mapping[str, Any]) -> bool:
    """Whether the container runs or failed, so that its log exists and matters."""
    state = container.get("state") or {}
    ended = (state.get("terminated") or {}).get("exitCode")
    return bool("running" in state or ended or _was_restarted(container))


def _was_restarted(container: Mapping[str, Any]) -> bool:
    return bool(container.get("restartCount")) and "waiting" in (container.get("state") or {})


def _log_end(
    cluster: Cluster, pod: Mapping[str, Any], container: Mapping[str, Any]
) -> Iterable[str]:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    where = f"pod {name}, container {container['name']}"
    try:
        lines = cluster.last_log_lines(
            name,
            namespace,
            _LOG_LINES,
            container=container["name"],
            previous=_was_restarted(container),
        )
    except IntentflowError as error:
        return [f"{where}: {error}"]
    return [f"{where}: {line}" for line in lines]


def container_statuses(pod: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Statuses of a pod's containers, those that prepare it first."""
    status = pod.get("status") or {}
    for key in ("initContainerStatuses", "containerStatuses"):
        yield from status.get(key) or ()


def container_problem(container: Mapping[str, Any]) -> str:
    """Reason and message of a container that waits or has failed."""
    found: list[object] = []
    waiting = (container.get("state") or {}).get("waiting") or {}
    found += [waiting.get("reason"), waiting.get("message")]
    for key in ("state", "lastState"):
        ended = (container.get(key) or {}).get("terminated") or {}
        if ended.get("exitCode"):
            found += [f"exit code {ended['exitCode']}", ended.get("reason"), ended.get("message")]
    return " ".join(flat(found))
