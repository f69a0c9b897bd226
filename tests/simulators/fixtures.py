"""``kserve``: KServe and a node, played in a namespace of a real API server with controllers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real_parts.kube import KubeApi
from tests.simulators.api import Api, Object
from tests.simulators.kserve.controller import Controller
from tests.simulators.kserve.webhooks import webhooks
from tests.simulators.node import Node

_GPUS = 4


@dataclass(frozen=True)
class KServe:
    """A namespace where KServe and a node are played.

    Attributes:
        api: Requests about the namespace.
        node: The node; it decides what becomes of pods.
        controller: KServe's controller.
    """

    api: Api
    node: Node
    controller: Controller

    def service(self) -> Object:
        """The InferenceService ``banking``."""
        found = self.api.find("inferenceservices", "banking")
        assert found, "there is no InferenceService banking"
        return found

    def until_ready(self) -> Object:
        """Wait for the InferenceService ``banking`` to be Ready."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            service = self.api.find("inferenceservices", "banking") or {}
            conditions = (service.get("status") or {}).get("conditions") or ()
            if any(item["type"] == "Ready" and item["status"] == "True" for item in conditions):
                return service
            time.sleep(0.1)
        raise AssertionError("the InferenceService banking did not become Ready")

    def pods(self, component: str) -> list[Object]:
        """The pods of a component that are not being deleted."""
        pods = self.api.list_objects("pods", f"component={component}")
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


@pytest.fixture
def kserve(
    kube_controllers: KubeApi, namespace: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[KServe]:
    """KServe and a node with 4 GPUs, or as many as a test gives."""
    cluster, api = Api(kube_controllers, None), Api(kube_controllers, namespace)
    node = Node(cluster, api, f"node-{namespace}", gpus=getattr(request, "param", _GPUS))
    with playing(kube_controllers, namespace, node, tmp_path) as played:
        yield played


@contextmanager
def playing(
    kube_controllers: KubeApi, namespace: str, node: Node, folder: Path
) -> Iterator[KServe]:
    """KServe and a node until the block ends."""
    cluster, api = Api(kube_controllers, None), Api(kube_controllers, namespace)
    controller = Controller(Api(kube_controllers, namespace))
    folders = [folder / "webhooks", folder / "kubelet"]
    for place in folders:
        place.mkdir()
    with ExitStack() as running:
        running.enter_context(webhooks(cluster, api, folders[0]))
        running.enter_context(node.running(folders[1]))
        running.enter_context(controller.running())
        yield KServe(api, node, controller)
        for service in api.list_objects("inferenceservices"):
            api.delete("inferenceservices", service["metadata"]["name"])
