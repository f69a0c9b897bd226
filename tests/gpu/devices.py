"""The device of the checks, and commands that see no GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import torch

DRY_RUN = "INTENTFLOW_GPU_DRY_RUN"
_LIMIT_SECONDS = 400


def is_dry_run() -> bool:
    """Whether a CPU plays the GPU."""
    return os.environ.get(DRY_RUN) == "1"


def device() -> str:
    """The device to check; a GPU unless it is a dry run.

    Raises:
        AssertionError: There is no GPU.
    """
    if is_dry_run():
        return "cpu"
    assert torch.cuda.is_available(), f"no GPU is here: set {DRY_RUN}=1 to rehearse on a CPU"
    return "cuda"


def printed(module: str, *arguments: str, cpu: bool = False) -> Any:
    """The JSON value that a module prints in a process of its own, on the CPU alone if asked."""
    hidden: Mapping[str, str] = {"CUDA_VISIBLE_DEVICES": ""} if cpu else {}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **hidden},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_LIMIT_SECONDS,
    )
    return json.loads(done.stdout.splitlines()[-1])
