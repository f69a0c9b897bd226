"""One node: it gives the pods that are scheduled to it their statuses, and keeps their logs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.simulators.api import Api, Object
from tests.simulators.kserve.names import SOURCE_URI
from tests.simulators.kserve.webhooks import https_server

_LOOK_SECONDS = 0.1
_HOST_FLAG = "--predictor_host"


@dataclass(frozen=True)
class Behaviour:
    """What becomes of a pod.

    Attributes:
        init_seconds: Time in its init containers.
        ready_seconds: Time from then on until its containers are ready.
        init_failures: How often the first init container fails before it succeeds.
        crashes: Whether its first container ends with an error instead of becoming ready.
        words: What it writes before it fails.
    """

    init_seconds: float = 0.2
    ready_seconds: float = 0.4
    init_failures: int = 0
    crashes: bool = False
    words: str = ""


@dataclass
class PlayedPod:
    """A pod on the node."""

    since: float = field(default_factory=time.monotonic)
    restarts: int = 0
    init_failures: int = 0
    initialized: float | None = None
    ready: bool = False
    down_until: float = 0.0
    status: Object = field(default_factory=dict)


class Node:
    """A node with some GPUs, and its kubelet.

    Args:
        cluster: The cluster.
        pods: The pods of one namespace.
        name: Name of the node.
        gpus: Number of GPUs.
    """

    back_off_seconds = 0.4

    def __init__(self, cluster: Api, pods: Api, name: str, gpus: int = 4) -> None:
        self._cluster, self._api, self.name, self._gpus = cluster, pods, name, gpus
        self._behaviours: dict[str, Behaviour] = {}
        self._pods: dict[str, PlayedPod] = {}
        self._stop = threading.Event()

    def behave(self, like: str, behaviour: Behaviour) -> None:
        """Say what becomes of pods with this text in their name or their model's location."""
        self._behaviours = {like: behaviour, **self._behaviours}

    @contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        """Register the node and play its kubelet until the block ends."""
        logs = type("Logs", (_Logs,), {"node": self})
        with https_server(logs, folder) as (url, _):
            self._register(int(url.rpartition(":")[2]))
            thread = threading.Thread(target=self._run)
            thread.start()
            try:
                yield
            finally:
                self._stop.set()
                thread.join()
                self._cluster.delete("nodes", self.name)

    def words_of(self, pod: str) -> str:
        """The log of a pod."""
        found = self._api.find("pods", pod)
        return self._behaviour(found).words if found else ""

    def _register(self, port: int) -> None:
        metadata = {"name": self.name, "labels": {"kubernetes.io/hostname": self.name}}
        self._cluster.create("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": metadata})
        room = {"cpu": "64", "memory": "256Gi", "pods": "110", "ephemeral-storage": "1Ti"}
        room["nvidia.com/gpu"] = str(self._gpus)
        status = {
            "capacity": room,
            "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        self._cluster.merge_status("nodes", self.name, status)
        # Admission adds a taint until a node is ready; the controller that removes it does not run.
        # Pods that tests of other namespaces have left are not for this node.
        own = {"key": "namespace", "value": str(self._api.namespace), "effect": "NoSchedule"}
        self._cluster.merge("nodes", self.name, {"spec": {"taints": [own]}})
        tolerated = json.dumps([{**own, "operator": "Equal"}])
        annotations = {"scheduler.alpha.kubernetes.io/defaultTolerations": tolerated}
        namespace = {"metadata": {"annotations": annotations}}
        self._cluster.merge("namespaces", str(self._api.namespace), namespace)

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                pods = self._api.list_objects("pods")
                for pod in pods:
                    if (pod.get("spec") or {}).get("nodeName") == self.name:
                        self._step(pod, pods)
            except Exception:  # a pod that has gone, an API server that is away
                continue

    def _step(self, pod: Object, pods: list[Object]) -> None:
        metadata = pod["metadata"]
        if metadata.get("deletionTimestamp"):
            self._api.delete("pods", metadata["name"], grace_seconds=0)
            self._pods.pop(metadata["uid"], None)
            return
        state = self._pods.setdefault(metadata["uid"], PlayedPod())
        status = self._next_status(pod, state, pods)
        if status != state.status:
            state.status = status
            self._api.merge_status("pods", metadata["name"], status)
            if "CrashLoopBackOff" in str(status):
                self._report_back_off(metadata)

    def _report_back_off(self, pod: Object) -> None:
        """The kubelet's event about a container that failed."""
        about = {"kind": "Pod", "name": pod["name"], "namespace": pod["namespace"]}
        event = {
            "metadata": {"generateName": f"{pod['name']}."},
            "involvedObject": about,
            "type": "Warning",
            "reason": "BackOff",
            "message": "Back-off restarting failed container",
        }
        self._api.create("events", event)

    def _behaviour(self, pod: Object) -> Behaviour:
        annotations = pod["metadata"].get("annotations") or {}
        described = f"{pod['metadata']['name']} {annotations.get(SOURCE_URI)}"
        for like, behaviour in self._behaviours.items():
            if like in described:
                return behaviour
        return Behaviour()

    def _next_status(self, pod: Object, state: PlayedPod, pods: list[Object]) -> Object:
        behaviour, now = self._behaviour(pod), time.monotonic()
        spec = pod["spec"]
        if state.initialized is None and spec.get("initContainers"):
            initial = self._initialize(behaviour, state, now)
        else:
            state.initialized = state.initialized or now
            initial = _ended(state)
        if state.initialized is not None and not state.ready:
            self._start(pod, behaviour, state, pods, now)
        return _status(spec, state, initial, behaviour.words)

    def _initialize(self, behaviour: Behaviour, state: PlayedPod, now: float) -> Object:
        """The state of the init containers, as the record of a failing download shows it."""
        if now < state.down_until:
            return _failed(state.init_failures - 1, behaviour.words)
        if state.down_until:
            state.since, state.down_until = now, 0.0
        if now - state.since < behaviour.init_seconds:
            return _running(state.init_failures)
        if state.init_failures < behaviour.init_failures:
            state.init_failures += 1
            state.down_until = now + self.back_off_seconds
            return _failed(state.init_failures - 1, behaviour.words)
        state.initialized = now
        return _ended(state)

    def _start(
        self, pod: Object, behaviour: Behaviour, state: PlayedPod, pods: list[Object], now: float
    ) -> None:
        begun = max(state.initialized or now, state.down_until)
        if now < state.down_until or now - begun < behaviour.ready_seconds:
            return
        if behaviour.crashes:
            state.restarts += 1
            state.down_until = now + self.back_off_seconds
        else:
            state.ready = _predictor_is_ready(pod, pods)


def _predictor_is_ready(pod: Object, pods: list[Object]) -> bool:
    """Whether the Service that a transformer asks has a ready pod; True for any other pod."""
    arguments = pod["spec"]["containers"][0].get("args") or []
    if _HOST_FLAG not in arguments:
        return True
    host = arguments[arguments.index(_HOST_FLAG) + 1].partition(".")[0]
    return any(is_ready(it) for it in pods if it["metadata"]["labels"].get("app") == f"isvc.{host}")


def is_ready(pod: Object) -> bool:
    """Whether a pod is Ready."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _running(restarts: int) -> Object:
    return {"ready": False, "restartCount": restarts, "state": {"running": {}}, "lastState": {}}


def _failed(restarts: int, words: str) -> Object:
    ended = {"exitCode": 1, "reason": "Error", "message": words}
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}
    return {
        "ready": False,
        "restartCount": restarts,
        "state": {"waiting": waiting},
        "lastState": {"terminated": ended},
    }


def _ended(state: PlayedPod) -> Object:
    ended = {"exitCode": 0, "reason": "Completed"}
    return {
        "ready": True,
        "restartCount": state.init_failures,
        "state": {"terminated": ended},
        "lastState": {},
    }


def _status(spec: Object, state: PlayedPod, initial: Object, words: str) -> Object:
    begun = state.initialized is not None
    marks = {"Initialized": begun, "ContainersReady": state.ready, "Ready": state.ready}
    conditions = [{"type": kind, "status": str(value)} for kind, value in marks.items()]
    return {
        "phase": "Running" if begun else "Pending",
        "hostIP": "127.0.0.1",
        "conditions": [{"type": "PodScheduled", "status": "True"}, *conditions],
        "initContainerStatuses": [
            {"name": it["name"], "image": it["image"], "imageID": "", **initial}
            for it in spec.get("initContainers") or ()
        ],
        "containerStatuses": [
            {"name": it["name"], "image": it["image"], "imageID": "", **_main(it, state, words)}
            for it in spec["containers"]
        ],
    }


def _main(container: Object, state: PlayedPod, words: str) -> Object:
    if state.initialized is None:
        waiting = {"reason": "PodInitializing"}
        return {
            "ready": False,
            "restartCount": 0,
            "state": {"waiting": waiting},
            "lastState": {},
        }
    from_logs = container.get("terminationMessagePolicy") == "FallbackToLogsOnError"
    failed = _failed(state.restarts, words if from_logs else "")
    if time.monotonic() < state.down_until:
        return failed
    last = failed["lastState"] if state.restarts else {}
    return {**_running(state.restarts), "lastState": last, "ready": state.ready}


class _Logs(BaseHTTPRequestHandler):
    """The kubelet's log of a container: /containerLogs/NAMESPACE/POD/CONTAINER."""

    node: Node

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.node.words_of(self.path.split("/")[3]).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""
