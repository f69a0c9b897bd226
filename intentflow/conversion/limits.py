"""Sizes beyond which an export is refused, so that no file fills the memory or the disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from typing import Any, BinaryIO, TextIO

from intentflow.errors import InputError
from intentflow.records import MAX_ROW_BYTES

_MAX_UTF8_BYTES = 4  # of a character


class LimitExceeded(InputError):  # noqa: N818 - a file's size, not a fault of the program
    """A line, a cell or a file is larger than allowed; the message has no file name yet."""


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """Maximum sizes; labelling tools' exports are far smaller.

    Attributes:
        max_line_bytes: Bytes of a row: of a line, a JSON value across lines, or a transcript's
            dialogue.
        max_cell_characters: Characters of a table's cell.
        max_decompressed_bytes: Bytes of a gzip file's content.
    """

    max_line_bytes: int = MAX_ROW_BYTES
    max_cell_characters: int = 1_000_000
    max_decompressed_bytes: int = 20_000_000_000

    def require_block(self, block: bytes) -> None:
        """Refuse lines of which one is too long.

        Raises:
            LimitExceeded: A line is too long.
        """
        if len(block) <= self.max_line_bytes:
            return
        if max(map(len, block.split(b"\n"))) > self.max_line_bytes:
            raise self.line_exceeded()

    def require_row(self, text: str) -> None:
        """Refuse the text of a row that is too long.

        Raises:
            LimitExceeded: The text is too long.
        """
        if len(text) * _MAX_UTF8_BYTES <= self.max_line_bytes:
            return
        if len(text.encode("utf-8", "replace")) > self.max_line_bytes:
            raise self.line_exceeded()

    def line_exceeded(self) -> LimitExceeded:
        """The error for a row that is too long."""
        return _exceeded("a line or a row", self.max_line_bytes, "bytes", "line_bytes")

    def cell_exceeded(self) -> LimitExceeded:
        """The error for a cell that is too long."""
        return _exceeded("a cell", self.max_cell_characters, "characters", "cell_characters")

    def decompressed_exceeded(self) -> LimitExceeded:
        """The error for a gzip file that is too large."""
        limit = self.max_decompressed_bytes
        return _exceeded("the decompressed content", limit, "bytes", "decompressed_bytes")


DEFAULT_LIMITS = SizeLimits()


def read_lines(stream: TextIO, limits: SizeLimits) -> Iterator[str]:
    """The lines of a text with their ends, none of them longer than allowed.

    Raises:
        LimitExceeded: A line is longer; it is not read to its end.
    """
    while line := stream.readline(limits.max_line_bytes + 1):
        limits.require_row(line.rstrip("\r\n"))
        yield line


class DecompressedStream(RawIOBase):
    """Decompressed bytes, counted while they are read.

    Args:
        stream: The decompressing stream.
        limits: The sizes allowed.
    """

    def __init__(self, stream: BinaryIO, limits: SizeLimits) -> None:
        self._stream = stream
        self._limits = limits

    def readable(self) -> bool:
        """Always true."""
        return True

    def seekable(self) -> bool:
        """Always true; a step back decompresses again from the start."""
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """See :meth:`io.IOBase.seek`."""
        return self._stream.seek(offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        """See :meth:`io.RawIOBase.readinto`.

        Raises:
            LimitExceeded: The content so far is larger than allowed.
        """
        count: int = self._stream.readinto(buffer)  # type: ignore[attr-defined]
        if self._stream.tell() > self._limits.max_decompressed_bytes:
            raise self._limits.decompressed_exceeded()
        return count


def _exceeded(what: str, limit: int, unit: str, option: str) -> LimitExceeded:
    flag = f"--max-{option.replace('_', '-')}"
    return LimitExceeded(
        f"{what} has more than the {limit:,} {unit} allowed; if that is right, "
        f"raise {flag} (max_{option} in run.yaml)"
    )
