"""A deployment of a canary that is killed: the same command, given again, ends what was begun."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from intentflow.deployment import DeployOptions
from intentflow.deployment.traffic_split import requests_shared
from intentflow.pipeline.steps.deploy import run_deploy
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.registry import Registry
from intentflow.storage import publish
from intentflow.storage.uris import digest_in_name
from tests.simulators.fixtures import KServe

PERCENT = 20
Sign = Callable[[dict[str, Any]], bool]


def _has_canary(service: dict[str, Any]) -> bool:
    return "canary" in service["spec"]


def _canary_has_requests(service: dict[str, Any]) -> bool:
    return requests_shared(service) == PERCENT


def _has_come(sign: Sign, kserve: KServe) -> bool:
    return sign(kserve.service())


def _deployments(registry: Registry) -> int:
    return sum(entry.kind == "deployment" for entry in registry.listing().entries.values())


def _killed(arguments: tuple[Any, ...], has_come: Callable[[], bool]) -> int | None:
    """Exit status of a deployment in a process of its own, killed when the moment has come.

    It is forked, for the cluster of the tests is an older one, with names that are patched here.
    """
    process = get_context("fork").Process(target=_deploy, args=arguments)
    process.start()
    while not has_come() and process.is_alive():
        time.sleep(0.01)
    process.kill()
    process.join()
    return process.exitcode


def _deploy(model: str, options: DeployOptions, verdict: Path, registry: str, run: str) -> None:
    config = RecordConfig(registry=registry, service=options.name)
    run_deploy(model, options, verdict=verdict, recorded=Recorded(config, run, "v1"))


@pytest.mark.real
def test_canary_whose_deployment_is_killed_twice_is_deployed_once(
    model_directory: Path,
    s3_bucket: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    tmp_path: Path,
) -> None:
    options = apply_options.model_copy(update={"timeout_seconds": 60.0})
    place, registry = str(tmp_path / "registry"), Registry(str(tmp_path / "registry"))

    def of_model(weights: bytes) -> str:
        (model_directory / "model.safetensors").write_bytes(weights)
        return publish(model_directory, f"s3://{s3_bucket}/models").uri

    first = of_model(b"first")
    _deploy(first, options, write_verdict(), place, "week-1")
    second, verdict = of_model(b"second"), write_verdict()
    shared = options.model_copy(update={"canary_percent": PERCENT})
    given = (second, shared, verdict, place, "week-2")
    ends = []
    for sign in (_has_canary, _canary_has_requests):
        ends.append(_killed(given, partial(_has_come, sign, kserve)))
    _deploy(*given)
    service = kserve.service()
    aliases = registry.aliases(options.name).current
    assert ends == [-signal.SIGKILL] * 2
    assert service["spec"]["predictor"]["model"]["storageUri"] == first
    assert len(service["spec"]["canary"]) == 1
    assert requests_shared(service) == PERCENT
    assert _deployments(registry) == 2
    assert registry.entry(aliases["champion"]).digest == digest_in_name(first)
    assert registry.entry(aliases["challenger"]).digest == digest_in_name(second)
