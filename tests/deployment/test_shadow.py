"""A shadow on a real API server: next to the model in service, which does not notice it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intentflow.deployment import DeployOptions, deploy
from intentflow.deployment.readiness import canaries_not_ready
from intentflow.deployment.rollback import promote, rollback
from intentflow.errors import CheckFailed, IntentflowError
from intentflow.storage import publish
from tests.deployment.conftest import Deployed
from tests.docs.left_blocks import commands_left_to
from tests.simulators.fixtures import KServe
from tests.simulators.kserve.names import SOURCE_URI
from tests.simulators.node import Behaviour

Deploy = Callable[..., Deployed]

BROKEN = Behaviour(crashes=True, words="torch.OutOfMemoryError: CUDA out of memory")


@pytest.fixture
def dark(model_directory: Path, s3_bucket: str) -> str:
    """A published model for a shadow."""
    (model_directory / "model.safetensors").write_bytes(b"dark")
    return publish(model_directory, f"s3://{s3_bucket}/models").uri


def _pods_of(kserve: KServe, uri: str) -> set[str]:
    return {
        pod["metadata"]["uid"]
        for pod in kserve.pods("predictor")
        if pod["metadata"]["annotations"][SOURCE_URI] == uri
    }


def _arguments(service: dict[str, Any], flag: str) -> list[str]:
    arguments = service["spec"]["transformer"]["containers"][0]["args"]
    return [argument for argument in arguments if argument.startswith(flag)]


def _names(service: dict[str, Any]) -> list[str]:
    return [entry["predictor"]["name"][0] for entry in service["spec"].get("canary") or ()]


@pytest.mark.real
def test_shadow_comes_and_goes_without_a_restart_of_the_model_in_service(
    deploy_model: Deploy,
    kserve: KServe,
    dark: str,
    namespace: str,
    write_verdict: Callable[..., Path],
) -> None:
    first = deploy_model(b"first").uri
    before = _pods_of(kserve, first)
    places = {
        "s3://models/intent/sha256-…IN_SERVICE": first,
        "s3://models/intent/sha256-…NEW": dark,
        "verdict.json": str(write_verdict()),
        "intent": "banking",
        "prod": namespace,
    }
    page = "docs/how-to/canary-and-rollback.md"
    (command,) = commands_left_to("tests/deployment/test_shadow.py", page)
    assert command.run(places) == 0
    assert _names(kserve.service()) == ["s"]
    assert len(_pods_of(kserve, dark)) == 1
    assert _pods_of(kserve, first) == before
    deploy_model(b"first")
    assert "canary" not in kserve.service()["spec"]
    assert _arguments(kserve.service(), "--shadow_") == []
    assert _pods_of(kserve, first) == before


@pytest.mark.real
def test_shadow_that_fails_is_taken_away(deploy_model: Deploy, kserve: KServe, dark: str) -> None:
    first = deploy_model(b"first").uri
    before = _pods_of(kserve, first)
    kserve.node.behave(dark, BROKEN)
    with pytest.raises(CheckFailed, match="CUDA out of memory"):
        deploy_model(b"first", shadow_model=dark)
    assert "canary" not in kserve.service()["spec"]
    assert _pods_of(kserve, first) == before


@pytest.mark.real
def test_next_model_takes_over_and_the_shadow_follows(
    deploy_model: Deploy, kserve: KServe, dark: str
) -> None:
    deploy_model(b"first", shadow_model=dark)
    second = deploy_model(b"second", shadow_model=dark).uri
    service = kserve.service()
    assert service["spec"]["predictor"]["model"]["storageUri"] == second
    assert (_names(service), len(_pods_of(kserve, second))) == (["s"], 1)
    assert len(_arguments(service, "--shadow_")) == 3
    assert _arguments(service, "--canary_") == []


@pytest.mark.real
def test_canary_is_promoted_next_to_the_shadow(
    deploy_model: Deploy, kserve: KServe, dark: str, apply_options: DeployOptions
) -> None:
    deploy_model(b"first", shadow_model=dark)
    second = deploy_model(b"second", canary_percent=10).uri
    assert _names(kserve.service()) == ["c", "s"]
    pods = _pods_of(kserve, second)
    promote(apply_options.name, apply_options.namespace, 60)
    service = kserve.service()
    assert (_names(service), _pods_of(kserve, second)) == (["s"], pods)
    assert len(_arguments(service, "--shadow_")) == 3


@pytest.mark.real
def test_a_shadow_that_crashes_does_not_hold_a_promotion_back(
    deploy_model: Deploy,
    kserve: KServe,
    dark: str,
    apply_options: DeployOptions,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deploy_model(b"first", shadow_model=dark)
    second = deploy_model(b"second", canary_percent=10).uri
    pods = _pods_of(kserve, second)
    kserve.node.behave(dark, BROKEN)
    for pod in kserve.pods("predictor"):
        if pod["metadata"]["annotations"][SOURCE_URI] == dark:
            kserve.api.delete("pods", pod["metadata"]["name"])
    _until(lambda: bool(canaries_not_ready(kserve.service())))
    promote(apply_options.name, apply_options.namespace, 60)
    service = kserve.service()
    assert service["spec"]["predictor"]["model"]["storageUri"] == second
    assert (_names(service), _pods_of(kserve, second)) == ([], pods)
    assert _arguments(service, "--shadow_") == []
    assert "is not ready, and is taken away" in caplog.text


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.real
def test_rollback_takes_the_shadow_away(
    deploy_model: Deploy, kserve: KServe, dark: str, apply_options: DeployOptions
) -> None:
    first = deploy_model(b"first").uri
    deploy_model(b"first", shadow_model=dark)
    rollback(apply_options.name, apply_options.namespace, 60)
    service = kserve.service()
    assert _names(service) == []
    assert service["spec"]["predictor"]["model"]["storageUri"] == first


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"mode": "git", "git_repo": "r.git"}, "mode git only changes the model"),
        ({"mode": "apply", "canary_percent": 10}, "deploy the shadow first, without --canary"),
    ],
)
def test_shadow_where_nobody_would_start_it_is_refused(
    changes: dict[str, Any], match: str, model_directory: Path, write_verdict: Callable[..., Path]
) -> None:
    options = DeployOptions(shadow_model="s3://m/new", **changes)
    with pytest.raises(IntentflowError, match=match):
        deploy(str(model_directory), options, verdict_file=write_verdict())


def test_shadow_needs_an_address_with_a_digest(model_directory: Path) -> None:
    with pytest.raises(IntentflowError, match="a shadow is asked by its digest"):
        deploy(str(model_directory), DeployOptions(shadow_model=str(model_directory)))


@pytest.mark.real
def test_model_is_no_shadow_of_itself(dark: str) -> None:
    with pytest.raises(IntentflowError, match="a model is no shadow of itself"):
        deploy(dark, DeployOptions(shadow_model=dark))
