"""Pods of a ``TrainJob``: how many run, what they wait for, and their last words.

``status.jobsStatus`` counts Jobs, of which there is one however many nodes it has. A Job that has
failed for good deletes its pods (kubernetes/kubernetes, ``pkg/controller/job``:
``deleteActivePods``), so what they say is kept while they live.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

from intentflow.cluster.client import Cluster
from intentflow.cluster.pod_diagnostics import container_statuses, flat, pod_problems
from intentflow.errors import IntentflowError

log = logging.getLogger(__name__)

_STARTING = ("ContainerCreating", "PodInitializing")
_LOG_LINES = 20
_MAX_WORDS = 8


class JobPods:
    """States of the pods of one job, as they were seen.

    Args:
        cluster: The cluster they run in.
        namespace: Namespace of the pods.
        name: Name of the job.
        nodes: Number of pods that the job wants.
    """

    def __init__(self, cluster: Cluster, namespace: str, name: str, nodes: int) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._labels = f"jobset.sigs.k8s.io/jobset-name={name}"
        self._nodes = nodes
        self._pods: list[dict[str, Any]] = []
        self._words: dict[tuple[str, str, int], str] = {}
        self._unreadable = ""

    def look(self) -> None:
        """Read the pods, and keep what containers that ended have left."""
        try:
            self._pods = self._cluster.list("v1", "Pod", self._namespace, self._labels)
            self._unreadable = ""
        except IntentflowError as error:
            self._unreadable = f"its pods could not be read: {error}"
            return
        for pod in self._pods:
            for container in container_statuses(pod):
                self._keep_words(pod, container)

    def progress(self) -> str:
        """For example ``1 of 2 pods running, 1 pending``; empty before there are any."""
        phases = Counter((pod.get("status") or {}).get("phase", "Pending") for pod in self._pods)
        if not phases:
            return ""
        others = [
            f"{phases[phase]} {phase.lower()}"
            for phase in ("Pending", "Succeeded", "Failed")
            if phases[phase]
        ]
        return ", ".join([f"{phases['Running']} of {self._nodes} pods running", *others])

    def problems(self) -> list[str]:
        """Reasons why pods do not run now, a line each; that a pod is starting is none."""
        if self._unreadable:
            return [self._unreadable]
        found = [line for pod in self._pods for line in pod_problems(pod)]
        return [line for line in found if not line.endswith(_STARTING)]

    def last_words(self) -> list[str]:
        """Last messages of failed containers, the newest last, and reasons why pods wait."""
        waiting = [line for line in self.problems() if line not in self._words.values()]
        return [*list(self._words.values())[-_MAX_WORDS:], *waiting]

    def _keep_words(self, pod: Mapping[str, Any], container: Mapping[str, Any]) -> None:
        for state, previous in (("lastState", True), ("state", False)):
            ended = (container.get(state) or {}).get("terminated") or {}
            run = int(container.get("restartCount") or 0) - previous
            key = (pod["metadata"]["name"], container["name"], run)
            if ended.get("exitCode") and key not in self._words:
                output = ended.get("message") or self._log_end(key[0], key[1], previous)
                self._words[key] = " ".join(
                    flat(
                        [
                            f"pod {key[0]}, container {key[1]}: exit code {ended['exitCode']}",
                            ended.get("reason"),
                            output,
                        ]
                    )
                )

    def _log_end(self, pod: str, container: str, previous: bool) -> str:
        """The last line that a container wrote."""
        try:
            lines = self._cluster.last_log_lines(
                pod, self._namespace, _LOG_LINES, container=container, previous=previous
            )
        except IntentflowError as error:
            return f"(its log could not be read: {error})"
        return next((line for line in reversed(lines) if line.strip()), "")
