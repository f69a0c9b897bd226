"""A model's facts, and a verdict about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from intentflow.deployment import DeployOptions, DeployResult, ModelFacts, deploy
from intentflow.storage import publish
from tests.simulators.fixtures import KServe
from tests.simulators.node import Behaviour
from tests.verdicts import write_verdict_about


@pytest.fixture
def facts() -> ModelFacts:
    """A published model."""
    return ModelFacts(
        uri=f"s3://models/intent/sha256-{'a' * 64}",
        digest="a" * 64,
        prompt_digest="b" * 64,
        data_digest="c" * 64,
        max_length=256,
        dtype="bfloat16",
        chat_template="chat_template.jinja",
    )


@pytest.fixture
def options() -> DeployOptions:
    """What is set in most services."""
    return DeployOptions(name="banking", namespace="team-a")


@pytest.fixture
def write_verdict(model_directory: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a passing verdict about ``model_directory``, changed by keyword arguments."""

    def write(**changes: Any) -> Path:
        return write_verdict_about(model_directory, tmp_path / "verdict.json", **changes)

    return write


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at a service more often than a user has to."""
    monkeypatch.setattr("intentflow.deployment.readiness._PAUSE_SECONDS", 0.2)


@pytest.fixture
def published(model_directory: Path, s3_bucket: str) -> str:
    return publish(model_directory, f"s3://{s3_bucket}/models").uri


@pytest.fixture
def apply_options(namespace: str) -> DeployOptions:
    return DeployOptions(name="banking", namespace=namespace, mode="apply", timeout_seconds=20)


@dataclass(frozen=True)
class Deployed:
    """A model that was deployed, and the result."""

    uri: str
    done: DeployResult


@pytest.fixture
def deploy_model(
    model_directory: Path,
    s3_bucket: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
) -> Callable[..., Deployed]:
    """Publish the model with these weights, and deploy it; its pods may behave otherwise."""

    def run(weights: bytes, behaviour: Behaviour | None = None, **options: Any) -> Deployed:
        (model_directory / "model.safetensors").write_bytes(weights)
        uri = publish(model_directory, f"s3://{s3_bucket}/models").uri
        if behaviour:
            kserve.node.behave(uri, behaviour)
        changed = apply_options.model_copy(update={"timeout_seconds": 60.0, **options})
        return Deployed(uri, deploy(uri, changed, verdict_file=write_verdict()))

    return run
