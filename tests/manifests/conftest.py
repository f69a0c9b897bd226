"""A model's facts, and the options that are set in most services."""

from __future__ import annotations

import pytest

from intentflow.deployment import DeployOptions, ModelFacts


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
        size_bytes=5 * 1024**3,
    )


@pytest.fixture
def options() -> DeployOptions:
    """What is set in most services."""
    return DeployOptions(name="banking", namespace="team-a")
