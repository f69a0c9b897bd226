"""What ``deploy --mode apply`` adds of its own to a service's way to Ready.

    python -m pytest -q -s benchmarks/deploy_ready.py

Against a real API server; the measurement plays the controller, which lets the service become
ready three seconds after it appears. The rest of the command's time is its own: reading the model
in S3, the dry run, the objects, seeing that it is ready. Twice: a new service, and a changed one.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.deployment.controller import READY, Controller

from intentflow.deployment import DeployOptions, deploy

pytest_plugins = [
    "tests.real_parts.kube",
    "tests.real_parts.s3",
    "tests.real_parts.small_model",
    "tests.deployment.conftest",
]

CONTROLLER_SECONDS = 3.0
FLOOR_SECONDS = 2.0


def test_deploy_to_ready(
    published: str,
    apply_options: DeployOptions,
    controller: Controller,
    write_verdict: Callable[..., Path],
) -> None:
    """Print the measurements; the floor is printed, not asserted."""
    verdict = write_verdict()
    found = {}
    for name, replicas in (("new service", 1), ("changed service", 2)):
        options = apply_options.model_copy(update={"max_replicas": replicas})
        with _becoming_ready(controller):
            started = time.perf_counter()
            deploy(published, options, verdict_file=verdict)
            seconds = time.perf_counter() - started
        found[name] = round(seconds - CONTROLLER_SECONDS, 3)
    print("\n" + json.dumps({"own_seconds": found, "floor": FLOOR_SECONDS}))


@contextmanager
def _becoming_ready(controller: Controller) -> Iterator[None]:
    """Play KServe: ready so long after the object has a generation that was not there before."""
    former = _generation(controller)

    def play() -> None:
        while _generation(controller) == former:
            time.sleep(0.01)
        time.sleep(CONTROLLER_SECONDS)
        controller.patch_status(READY)

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    yield
    thread.join(timeout=30)


def _generation(controller: Controller) -> int:
    from kubernetes.client.exceptions import ApiException

    try:
        return int(controller.service()["metadata"]["generation"])
    except ApiException:
        return 0


if __name__ == "__main__":
    raise SystemExit(pytest.main(["-q", "-s", __file__]))
