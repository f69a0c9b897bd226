"""A model's facts, and a verdict about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intentflow.deployment import DeployOptions, ModelFacts, read_facts
from intentflow.storage import publish


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
        facts = read_facts(str(model_directory))
        document = {
            "passed": True,
            "reasons": [],
            "rules": [],
            "model_digest": facts.digest,
            "data_digest": "d" * 64,
            "prompt_digest": facts.prompt_digest,
            "constrained": True,
            "engine": "transformers",
            "policy": "policy.yaml",
        }
        path = tmp_path / "verdict.json"
        path.write_text(json.dumps(document | changes))
        return path

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
