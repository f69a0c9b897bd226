"""The test as KServe's controller: it gives services their status."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.real_parts.kube import KubeApi

READY = {
    "url": "http://banking.example.com",
    "conditions": [{"type": "Ready", "status": "True"}],
    "modelStatus": {
        "states": {"activeModelState": "Loaded", "targetModelState": "Loaded"},
        "transitionStatus": "UpToDate",
    },
}
LOADING = {
    "conditions": [
        {
            "type": "PredictorReady",
            "status": "False",
            "reason": "MinimumReplicasUnavailable",
            "message": "Deployment does not have minimum availability.",
        },
        {"type": "Ready", "status": "False", "reason": "MinimumReplicasUnavailable"},
    ],
    "modelStatus": {
        "states": {"targetModelState": "Pending"},
        "transitionStatus": "InProgress",
    },
}
BROKEN = {
    **LOADING,
    "modelStatus": {
        "states": {"targetModelState": "FailedToLoad"},
        "transitionStatus": "BlockedByFailedLoad",
        "lastFailureInfo": {"reason": "ModelLoadFailed", "message": "CUDA out of memory"},
    },
}


class Controller:
    """Plays KServe: gives services their status."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        from kubernetes.client import CoreV1Api, CustomObjectsApi

        self.core = CoreV1Api(api.client())
        self._objects = CustomObjectsApi(api.client())
        self._where = {
            "group": "serving.kserve.io",
            "version": "v1beta1",
            "namespace": namespace,
            "plural": "inferenceservices",
            "name": "banking",
        }

    def service(self) -> dict[str, Any]:
        found: dict[str, Any] = self._objects.get_namespaced_custom_object(**self._where)
        return found

    def patch_status(self, status: dict[str, Any]) -> None:
        generation = self.service()["metadata"]["generation"]
        now = "2026-01-01T00:00:00Z"
        conditions = [{"lastTransitionTime": now, **item} for item in status["conditions"]]
        body = {**status, "conditions": conditions, "observedGeneration": generation}
        self._objects.patch_namespaced_custom_object_status(**self._where, body={"status": body})

    @contextmanager
    def answering(self, *states: dict[str, Any]) -> Iterator[None]:
        """Wait for the service, then give it one status after the other."""

        def play() -> None:
            from kubernetes.client.exceptions import ApiException

            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                try:
                    self.service()
                    break
                except ApiException:
                    time.sleep(0.1)
            for state in states:
                time.sleep(1.3)  # longer than the wait between two looks at the status
                self.patch_status(state)

        thread = threading.Thread(target=play)
        thread.start()
        try:
            yield
        finally:
            thread.join(timeout=30)
