"""Starting a server for the tests' session and ending it by its own process id."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn
from weakref import WeakSet

import pytest

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
_ENDED: WeakSet[subprocess.Popen[bytes]] = WeakSet()

CACHE = Path(os.environ.get("INTENTFLOW_CACHE") or Path.home() / ".cache/intentflow")


def unavailable(reason: str) -> NoReturn:
    """A part that cannot start: a failure in CI, a skip with its reason elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(path: Path, script: str) -> Path:
    """A program that a script of ours puts into the cache."""
    if not path.exists():
        unavailable(f"{path} is not there: run scripts/{script}")
    return path


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    *,
    env: dict[str, str] | None = None,
    timeout_seconds: float = 90,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; yields when it is ready.

    Its output goes to ``log``, whose last lines say why where it does not come up.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    try:
        _wait(process, command, ready, log, timeout_seconds)
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the first process of a session to end, then insist, as with all that it leaves behind.

    A container's processes end with its first one, too: vLLM's engine would live on for ever.
    """
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)
    if process not in _ENDED:  # later the number may be another's
        _ENDED.add(process)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def answers(url: str, context: ssl.SSLContext | None = None) -> bool:
    """Whether a URL answers below 400."""
    try:
        with urllib.request.urlopen(url, timeout=2, context=context):
            return True
    except (urllib.error.URLError, OSError):
        return False


def end_with_parent() -> None:
    """Ask the kernel to end this process when the tests' process is gone, even if it was killed."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait(
    process: subprocess.Popen[bytes],
    command: Sequence[str | Path],
    ready: Callable[[], bool],
    log: Path,
    timeout_seconds: float,
) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            end(process)
            tail = log.read_text(errors="replace").splitlines()[-5:]
            unavailable(f"{command[0]} did not come up: {' | '.join(tail)}")
        time.sleep(0.1)
