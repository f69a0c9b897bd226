"""Servers that a command starts as child processes: their end, and what is known of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress


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
        status: As :class:`subprocess.Popen` has it.

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
