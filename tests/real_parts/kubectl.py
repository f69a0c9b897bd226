"""``kubectl``: one that knows kustomize components, the computer's own or the cached one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.real_parts.process import CACHE, unavailable

_FIRST_WITH_COMPONENTS = 21


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """The program's path."""
    candidates = [shutil.which("kubectl") or "kubectl", str(CACHE / "kubectl/kubectl")]
    fit = [name for name in candidates if _minor_version(name) >= _FIRST_WITH_COMPONENTS]
    if not fit:
        unavailable("no kubectl of 1.21 or later: run scripts/kubectl")
    return Path(fit[0])


def _minor_version(program: str) -> int:
    command = [program, "version", "--client", "-o", "json"]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
        return int(json.loads(answer)["clientVersion"]["minor"].rstrip("+"))
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError):
        return 0
