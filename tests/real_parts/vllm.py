"""``vllm_python``: the Python of vLLM's CPU build, named to intentflow as a user would name it."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.inference.vllm_installation import VLLM_PYTHON
from tests.real_parts.process import CACHE, program


@pytest.fixture(scope="session")
def vllm_program() -> Path:
    """The Python that ``scripts/vllm`` installs vLLM for."""
    return program(CACHE / "vllm/bin/python", "vllm")


@pytest.fixture
def vllm_python(vllm_program: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, set in the environment: evaluation and serving take vLLM from now on."""
    monkeypatch.setenv(VLLM_PYTHON, str(vllm_program))
    return vllm_program
