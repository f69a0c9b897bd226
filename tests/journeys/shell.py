"""Commands as a user gives them, in a folder that is empty at first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT
from tests.real_parts.process import answers, free_port, running
from tests.warm_python import intentflow_program

_SECONDS = 800


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON line at the end of stdout."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


class Shell:
    """A folder in which commands run.

    Args:
        folder: The folder.
        cache: Holds the base models.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self._environment = _environment(folder / ".bin", cache)

    def __call__(self, command: str, *, status: int = 0, **variables: str) -> Done:
        """Run a command line, which has to end with a status."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env={**self._environment, **variables},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == status, f"{command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return Done(done.stdout, done.stderr)

    def python(self, code: str, interpreter: Path = Path(sys.executable), **variables: str) -> str:
        """Run a program that a user wrote; returns what it prints."""
        (self.folder / "program.py").write_text(code, encoding="utf-8")
        return self(f"{interpreter} program.py", **variables).out

    def read(self, name: str) -> str:
        """The text of a file."""
        return (self.folder / name).read_text(encoding="utf-8")

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a file of JSON lines."""
        return [json.loads(line) for line in self.read(name).splitlines()]

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    @contextmanager
    def serving(self, model: Path, **variables: str) -> Iterator[str]:
        """``intentflow serve`` as long as the block lasts; its URL."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [self.folder / ".bin/intentflow", "serve", "--model", model, "--port", str(port)]
        environment = {**self._environment, **variables}
        log = self.folder / "serve.log"
        with running(command, log, lambda: answers(f"{url}/health"), env=environment):
            yield url


def _environment(programs: Path, cache: Path) -> dict[str, str]:
    """An environment with ``intentflow`` on the path, and none of the tests' settings."""
    intentflow_program(programs)
    own = {name: value for name, value in os.environ.items() if "INTENTFLOW" not in name}
    return {
        **own,
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "INTENTFLOW_CACHE": str(cache),
        "INTENTFLOW_VLLM_PYTHON": "",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
