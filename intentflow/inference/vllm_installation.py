"""The installation of vLLM: where it is, and what it can run on this computer."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Literal

from intentflow.errors import InputError, UsageError

log = logging.getLogger(__name__)

VLLM_PYTHON = "INTENTFLOW_VLLM_PYTHON"
"""Environment variable: the Python of another environment in which vLLM is installed."""

LocalEngine = Literal["vllm", "transformers"]

# vLLM registers the product of 4-bit weights on a CPU only where it was compiled for it, yet takes
# the weights everywhere and fails at the first request (csrc/cpu/torch_bindings.cpp; issue 55613).
_HAS_KERNELS = """
import sys, torch
from vllm.platforms import current_platform
current_platform.import_kernels()
sys.exit(0 if hasattr(torch.ops._C, "cpu_gemm_wna16") else 3)
"""
_NO_KERNELS = 3


def local_engine(requested: str = "auto", folder: Path | None = None) -> LocalEngine:
    """The engine that serves a model directory locally, which is also the one to score it with.

    Args:
        requested: ``vllm``, ``transformers``, or ``auto`` for vLLM if it is installed and has the
            kernels of the model's weights.
        folder: The model directory; None to choose by the installation alone.

    Raises:
        UsageError: vLLM is requested, but not installed or without these kernels.
    """
    if requested == "transformers":
        return "transformers"
    found = vllm_python()
    if requested == "vllm" and found is None:
        raise UsageError(
            "vllm is not installed: use --engine transformers, or set "
            f"{VLLM_PYTHON} to the Python of an environment that has it"
        )
    if found is None:
        return "transformers"
    if folder is None or not _lacks_kernels(found, folder):
        return "vllm"
    reason = f"vllm has no kernels for the 4-bit weights of {folder} on this CPU (on x86 they need "
    reason += "AVX-512)"
    if requested == "vllm":
        raise UsageError(f"{reason}: use --engine transformers, or the 16-bit model")
    log.warning("%s: taking the engine transformers", reason)
    return "transformers"


def vllm_python() -> str | None:
    """The Python that can start vLLM: the one in the environment variable, or this one.

    Raises:
        InputError: The variable does not name a program.
    """
    named = os.environ.get(VLLM_PYTHON)
    if named:
        if shutil.which(named) is None:
            raise InputError(f"{VLLM_PYTHON} is {named}, which is not a program")
        return named
    return sys.executable if importlib.util.find_spec("vllm") is not None else None


@cache  # each look starts a Python that imports torch
def has_accelerator(python: str) -> bool:
    """Whether the environment of vLLM has a GPU; its CPU build has none.

    Args:
        python: Python of the environment in which vLLM is installed.
    """
    code = "import sys, torch; sys.exit(not torch.accelerator.is_available())"
    return _run(python, code) == 0


def _lacks_kernels(python: str, folder: Path) -> bool:
    from intentflow.models.model_facts import read_facts

    if read_facts(str(folder)).quantization is None or has_accelerator(python):
        return False
    return _run(python, _HAS_KERNELS) == _NO_KERNELS


def _run(python: str, code: str) -> int:
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode
