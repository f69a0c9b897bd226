"""Failures of a service's pods that end the wait for it before its time limit."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intentflow.cluster.client import Cluster
from intentflow.cluster.pod_diagnostics import container_problem, container_statuses, flat

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"
# A refusal may end when the pods that are being replaced are gone.
_REFUSED_SECONDS = 10.0
# Events of the cluster autoscaler and of Karpenter: a node for the pod is on its way.
_NODE_IS_COMING = ("TriggeredScaleUp", "Nominated")

Found = Mapping[str, Any]


@dataclass(frozen=True)
class WaitLimits:
    """Limits of the wait for a service.

    Attributes:
        timeout_seconds: Time limit until it is ready.
        max_restarts: Restarts of a container that end the wait.
        unschedulable_seconds: Time for which a pod may stay unschedulable.
    """

    timeout_seconds: float
    max_restarts: int = 3
    unschedulable_seconds: float = 60.0


class PodFailures:
    """Detection of failures from successive states of the pods.

    Args:
        cluster: The cluster.
        namespace: Namespace of the pods.
        limits: The limits.
    """

    def __init__(self, cluster: Cluster, namespace: str, limits: WaitLimits) -> None:
        self._cluster, self._namespace, self._limits = cluster, namespace, limits
        self._restarts: dict[tuple[str, str], int] = {}
        self._since: dict[str, float] = {}

    def find(self, deployments: Sequence[Found], pods: Sequence[Found]) -> str | None:
        """The first failure; None if there is none.

        Args:
            deployments: Deployments whose pod templates are the requested ones.
            pods: All pods of the service.
        """
        hashes = self._current_hashes(deployments)
        current = [pod for pod in pods if pod["metadata"].get("labels", {}).get(_HASH) in hashes]
        failure = self.first_restarted(current, are_new=True)
        if failure:
            return failure
        # Pods that are being deleted still hold their GPUs and their part of the quota.
        if any(pod["metadata"].get("deletionTimestamp") for pod in pods):
            self._since.clear()
            return None
        return self._first_refused(deployments) or self._first_unschedulable(current)

    def first_restarted(self, pods: Sequence[Found], *, are_new: bool) -> str | None:
        """The first container of these pods that has restarted too often; None if there is none.

        Args:
            pods: The pods.
            are_new: Whether they are of the requested state; restarts before the first look count
                only then.
        """
        return next(filter(None, (self._restarted(pod, are_new) for pod in pods)), None)

    def lasts(self, key: str, seconds: float, *, now: bool) -> bool:
        """Whether a state has been found each time for so long."""
        if not now:
            self._since.pop(key, None)
            return False
        since = self._since.setdefault(key, time.monotonic())
        return time.monotonic() - since >= seconds

    def _current_hashes(self, deployments: Sequence[Found]) -> set[str]:
        """Hashes of the pod templates, from the Deployments' newest ReplicaSets."""
        if not deployments:
            return set()
        owners = {item["metadata"]["uid"]: _revision(item) for item in deployments}
        labels = f"component in (predictor, transformer),{_HASH}"
        found = self._cluster.list("apps/v1", "ReplicaSet", self._namespace, labels)
        return {
            item["metadata"]["labels"][_HASH]
            for item in found
            for owner in item["metadata"].get("ownerReferences") or ()
            if owner["uid"] in owners and _revision(item) == owners[owner["uid"]]
        }

    def _restarted(self, pod: Found, is_new: bool) -> str | None:
        for container in container_statuses(pod):
            count = container.get("restartCount", 0)
            key = (pod["metadata"]["uid"], container["name"])
            before = 0 if is_new and _fails(container) else count
            known = self._restarts.setdefault(key, before)
            if not container.get("ready") and count - known >= self._limits.max_restarts:
                return (
                    f"pod {pod['metadata']['name']}, container {container['name']} restarted "
                    f"{count} times: {container_problem(container) or 'it is not ready'}"
                )
        return None

    def _first_refused(self, deployments: Sequence[Found]) -> str | None:
        for item in deployments:
            name = item["metadata"]["name"]
            condition = _condition(item, "ReplicaFailure")
            refused = condition.get("status") == "True"
            if self.lasts(f"refused {name}", _REFUSED_SECONDS, now=refused):
                reason = " ".join(_reason_and_message(condition))
                return f"the pods of Deployment {name} are refused: {reason}"
        return None

    def _first_unschedulable(self, pods: Sequence[Found]) -> str | None:
        for pod in pods:
            name = pod["metadata"]["name"]
            condition = _condition(pod, "PodScheduled")
            stuck = condition.get("reason") == "Unschedulable" and not self._node_is_coming(name)
            if self.lasts(f"unschedulable {name}", self._limits.unschedulable_seconds, now=stuck):
                return f"pod {name} cannot be scheduled: {' '.join(flat([condition['message']]))}"
        return None

    def _node_is_coming(self, pod: str) -> bool:
        fields = f"involvedObject.name={pod}"
        events = self._cluster.list("v1", "Event", self._namespace, "", fields=fields)
        return any(event.get("reason") in _NODE_IS_COMING for event in events)


def _revision(item: Found) -> str | None:
    return (item["metadata"].get("annotations") or {}).get(_REVISION)


def _fails(container: Found) -> bool:
    """Whether a container waits for its next start after a failure."""
    waiting = (container.get("state") or {}).get("waiting") or {}
    return waiting.get("reason") == "CrashLoopBackOff"


def _condition(item: Found, kind: str) -> Found:
    conditions = (item.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found.get("type") == kind), {})


def _reason_and_message(condition: Found) -> list[str]:
    return flat([condition.get("reason"), condition.get("message")])
