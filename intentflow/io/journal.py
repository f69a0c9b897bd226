"""JSON lines that one process at a time appends to, and that are read back after it was killed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from intentflow.errors import IntentflowError


class LockedLines:
    """The open file; other processes wait outside until it is closed.

    Args:
        path: Of the file.
        handle: Its descriptor, locked.
        lines: What earlier processes wrote.
    """

    def __init__(self, path: Path, handle: int, lines: list[bytes]) -> None:
        self._path = path
        self._handle: int | None = handle
        self.lines = lines

    @classmethod
    def open(cls, path: Path, kind: str) -> Self:
        """Make the file, its owner's alone, or read the one that is there.

        What a killed process left of its last line is cut off, unless the file is none of ours.

        Args:
            path: Of the file.
            kind: What the first line's ``kind`` says.

        Raises:
            IntentflowError: Another process has it open, it cannot be written, or it is another's.
        """
        handle = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cls(path, handle, _whole_lines(handle, kind))
        except OSError as error:
            if handle is not None:
                os.close(handle)
            if isinstance(error, BlockingIOError):
                raise IntentflowError(
                    f"{path}: another run is writing this journal; let it end first"
                ) from None
            raise _unwritable(path, error) from error

    def append(self, entry: Mapping[str, Any], *, durable: bool = False) -> None:
        """Write one line; ``durable`` waits until the disk has it.

        Raises:
            IntentflowError: The disk is full, or the like.
        """
        assert self._handle is not None
        line = memoryview(f"{json.dumps(entry)}\n".encode())
        try:
            while line:
                line = line[os.write(self._handle, line) :]
            if durable:
                os.fsync(self._handle)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def close(self) -> None:
        """Let the file go; another process may then have it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _whole_lines(handle: int, kind: str) -> list[bytes]:
    with os.fdopen(os.dup(handle), "rb") as stream:
        stream.seek(0)
        content = stream.read()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        start = f'{{"kind": "{kind}"'.encode()
        if not content.startswith(start[: len(content)]):
            raise OSError(0, "the file is there and is no journal")
        os.ftruncate(handle, whole)
    return content[:whole].splitlines()


def _unwritable(path: Path, error: OSError) -> IntentflowError:
    return IntentflowError(f"cannot write the journal {path}: {error.strerror}")
