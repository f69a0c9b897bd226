"""Output files of a conversion: each appears atomically, and only if it has content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from intentflow.artifacts.rejects import RejectedRow
from intentflow.conversion.blocks import Reject
from intentflow.io.files import atomic_file
from intentflow.records import array_separator


class LazyFile:
    """A file that is created at its first write and moved into place if all work succeeds.

    Args:
        path: The file to write.
        private: Whether only the owner may read it.
    """

    def __init__(self, path: Path, *, private: bool = False) -> None:
        self._path = path
        self._private = private
        self._stack = ExitStack()
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        if self._stream is None:
            partial = self._stack.enter_context(atomic_file(self._path, private=self._private))
            self._stream = self._stack.enter_context(partial.open("wb"))
        self._stream.write(data)


class RowsWriter(Protocol):
    """Writes rows that are records, in a format of its own."""

    def write(self, lines: bytes, count: int, /) -> None:
        """Append rows: ``count`` JSON lines, each with its line end."""

    def finish(self) -> str:
        """Write what is left; returns the digest of the rows."""


class RecordsWriter:
    """Writes encoded rows as an array (``.json``) or as lines, and computes their digest.

    Args:
        path: Path of the output, whose suffix decides.
        file: The file to write to.
    """

    def __init__(self, path: Path, file: LazyFile) -> None:
        self._file = file
        self._as_array = path.suffix == ".json"
        self._digest = hashlib.sha256()
        self._count = 0

    def write(self, lines: bytes, count: int) -> None:
        """Append rows: ``count`` JSON lines, each with its line end."""
        if not count:
            return
        self._digest.update(lines)
        if self._as_array:
            start = ("[" if self._count == 0 else "") + array_separator(self._count)
            lines = start.encode() + lines[:-1].replace(b"\n", b",\n")
        self._file.write(lines)
        self._count += count

    def finish(self) -> str:
        """Close the array, if it is one.

        Returns:
            The digest of the rows written.
        """
        if self._as_array and self._count:
            self._file.write(b"\n]\n")
        return self._digest.hexdigest()


def reject_lines(source: str, rejects: Iterable[Reject], lines_before: int) -> bytes:
    """Rejected rows as JSON lines."""
    return b"".join(
        RejectedRow(source=source, line=lines_before + line, reason=reason, raw=raw).as_line()
        for line, reason, raw in rejects
    )
