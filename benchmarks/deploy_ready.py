"""What ``deploy --mode apply`` adds of its own to a new service's way to Ready.

    python -m pytest -q -s benchmarks/deploy_ready.py

Against a real API server with Kubernetes' own controllers; KServe and the node are played. The time
from the service's appearance until KServe calls it Ready is theirs. The rest of the command's time
is its own: reading the model in S3, the dry run, the objects, seeing that it is ready.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from intentflow.deployment import DeployOptions, deploy
from tests.simulators.fixtures import KServe

pytest_plugins = ["tests.deployment.conftest"]

ROUNDS = 3
FLOOR_SECONDS = 2.0


@pytest.mark.parametrize("number", range(ROUNDS))
def test_deploy_to_ready(
    number: int,
    published: str,
    apply_options: DeployOptions,
    kserve: KServe,
    write_verdict: Callable[..., Path],
) -> None:
    """Print the measurement; the floor is printed, not asserted."""
    verdict = write_verdict()
    appeared: list[float] = []
    ready: list[float] = []

    def watch() -> None:
        while kserve.api.find("inferenceservices", "banking") is None:
            time.sleep(0.01)
        appeared.append(time.perf_counter())
        kserve.until_ready()
        ready.append(time.perf_counter())

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    started = time.perf_counter()
    deploy(published, apply_options, verdict_file=verdict)
    ended = time.perf_counter()
    watching.join(timeout=30)
    own = (appeared[0] - started) + (ended - ready[0])
    print(
        "\n" + json.dumps({"round": number, "own_seconds": round(own, 2), "floor": FLOOR_SECONDS})
    )


if __name__ == "__main__":
    raise SystemExit(pytest.main(["-q", "-s", __file__]))
