"""Runs the blocks of a page in a folder of their own."""

from __future__ import annotations

import doctest
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.docs.pages import ROOT, Block
from tests.warm_python import intentflow_program

_SECONDS = 240
_SHELL = ("bash", "-euo", "pipefail", "-c")
_OUTPUT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_DOCUMENTED_PORT = "8000"


class Workspace:
    """A folder with ``examples/`` in it, and ``intentflow`` on the path.

    Args:
        folder: Empty.
        cache: Holds the base models.
        finished_run: Becomes ``runs/example``; none if None.
    """

    def __init__(self, folder: Path, cache: Path, finished_run: Path | None = None) -> None:
        self._folder = folder / "work"
        shutil.copytree(ROOT / "examples", self._folder / "examples")
        if finished_run:
            shutil.copytree(finished_run, self._folder / "runs" / "example", symlinks=True)
        self._environment = _environment(folder, cache)
        self._port = str(_free_port())
        self._servers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the servers that the page started."""
        for server in self._servers:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=30)

    def run(self, block: Block) -> None:
        """Do what a block says.

        Raises:
            AssertionError: It ended with another status than the page states, or other output.
        """
        if block.title:
            file = self._folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.code, encoding="utf-8")
        if "background" in block.marks:
            self._start(block)
        elif block.language == "sh":
            self._execute(block, [*_SHELL, self._here(block.code)])
        elif block.language == "python":
            self._execute(block, [sys.executable, "-c", self._here(block.code)])
        elif block.language == "console":
            self._compare(block)

    def _here(self, code: str) -> str:
        """The code with this page's port: the documented one may be in use."""
        return code.replace(_DOCUMENTED_PORT, self._port)

    def _execute(self, block: Block, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        reported = f"line {block.line}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.returncode == block.exit_status, reported
        return done.stdout

    def _compare(self, block: Block) -> None:
        for command, expected in console_commands(block.code):
            printed = self._execute(block, [*_SHELL, self._here(command)])
            same = doctest.OutputChecker().check_output(expected, printed, _OUTPUT)
            assert same, f"line {block.line}: {command}\n{printed}"

    def _start(self, block: Block) -> None:
        command = self._here(block.code.partition("#")[0].strip())
        if "--port" not in command:
            command += f" --port {self._port}"
        server = subprocess.Popen(
            [*_SHELL, f"exec {command}"],
            cwd=self._folder,
            env=self._environment,
            start_new_session=True,
        )
        self._servers.append(server)
        _wait_for(self._here(block.marks["background"]), server)


def console_commands(code: str) -> list[tuple[str, str]]:
    """The commands of a ``console`` block, each with the output below it."""
    found: list[tuple[str, str]] = []
    for line in code.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, output = found.pop()
            found.append((command, output + line))
    return found


def _environment(folder: Path, cache: Path) -> dict[str, str]:
    program = intentflow_program(folder / "bin")
    path = f"{program.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {
        **os.environ,
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "INTENTFLOW_CACHE": str(cache),
        "INTENTFLOW_VLLM_PYTHON": "",
        "OMP_NUM_THREADS": "1",
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the server ended with {server.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} does not answer")
