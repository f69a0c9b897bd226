"""Journals: JSON lines that one process at a time appends to, readable after it was killed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from intentflow.errors import InputError


class JournalFile:
    """An open journal, locked against other processes until it is closed.

    Args:
        path: Path of the journal.
        handle: Locked descriptor of the open file.
        lines: Complete lines that earlier processes wrote.
    """

    def __init__(self, path: Path, handle: int, lines: list[bytes]) -> None:
        self._path = path
        self._handle: int | None = handle
        self.lines = lines

    @classmethod
    def open(cls, path: Path, kind: str) -> Self:
        """Create the file, readable by its owner only, or read an existing one.

        An incomplete last line, as a killed process leaves it, is cut off if the file is a journal
        of this kind.

        Args:
            path: Path of the journal.
            kind: Value of ``kind`` in the journal's first line.

        Raises:
            InputError: Another process has the file open, it cannot be written, or it is not
                a journal of this kind.
        """
        handle = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cls(path, handle, _complete_lines(handle, kind))
        except OSError as error:
            if handle is not None:
                os.close(handle)
            if isinstance(error, BlockingIOError):
                raise InputError(
                    f"{path}: another run is writing this journal; wait until it ends"
                ) from None
            raise _unwritable(path, error) from error

    def append(self, entry: Mapping[str, Any], *, durable: bool = False) -> None:
        """Write one line; with ``durable``, wait until it is on disk.

        Raises:
            InputError: The line cannot be written, for example because the disk is full.
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
        """Close the file and release its lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _complete_lines(handle: int, kind: str) -> list[bytes]:
    with os.fdopen(os.dup(handle), "rb") as stream:
        stream.seek(0)
        content = stream.read()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        start = f'{{"kind": "{kind}"'.encode()
        if not content.startswith(start[: len(content)]):
            raise OSError(0, "the file exists and is not a journal of this command")
        os.ftruncate(handle, end)
    return content[:end].splitlines()


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"cannot write the journal {path}: {error.strerror}")
