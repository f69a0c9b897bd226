"""Servers that a command starts as child processes: their end, and what is known of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from intentflow.errors import ServiceError

_MAX_CHARACTERS = 300


def last_line(log_file: Path) -> str:
    """The last line of a server's log, in which most state why they ended.

    Args:
        log_file: File with its output.
    """
    lines = log_file.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1][:_MAX_CHARACTERS] if lines else "its log is empty"


@dataclass(frozen=True)
class ChildServer:
    """A server that this process started.

    Attributes:
        name: Name of the server, for messages.
        url: URL of the server on this computer, without a path.
        process: Process of the server.
        log_file: File with its output.
        cause: Finds the reason of its end in that file.
    """

    name: str
    url: str
    process: subprocess.Popen[bytes]
    log_file: Path
    cause: Callable[[Path], str] = last_line

    def require_running(self) -> None:
        """Check that the server has not ended.

        Raises:
            ServiceError: The server has ended; with its exit status and the cause.
        """
        status = self.process.poll()
        if status is not None:
            cause = self.cause(self.log_file)
            raise ServiceError(f"{self.name} ended with {exit_text(status)}: {cause}")

    def answers(self, path: str) -> bool:
        """Whether a GET request is answered with success.

        Args:
            path: Path of the request, with its slash.
        """
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False


def end_with_parent() -> None:
    """Let the kernel end this process with its parent, even if that is killed."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def stop_session(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Stop a process that leads a session, with all processes of the session.

    Args:
        process: The process, started with ``start_new_session=True``.
        seconds: Time that it has to end by itself.
    """
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def exit_text(status: int) -> str:
    """An exit status in words; one that is negative is a signal's number.

    Args:
        status: Exit status as :class:`subprocess.Popen` has it; negative for a signal.

    Example:
        >>> exit_text(-4)
        'signal SIGILL (Illegal instruction)'
    """
    if status >= 0:
        return f"exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
    return f"signal {name} ({signal.strsignal(-status)})"
