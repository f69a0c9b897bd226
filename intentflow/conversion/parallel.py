"""Parallel conversion of blocks of lines, with results in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from intentflow.conversion.blocks import (
    BLOCK_BYTES,
    Part,
    convert_block,
    end_block,
    read_blocks,
)
from intentflow.conversion.export_format import Format, Options
from intentflow.conversion.limits import SizeLimits
from intentflow.conversion.sources import Source, is_gzip
from intentflow.parallel import Executor

SHIPPED_BYTES = 8 << 20  # size of a block for another node; each transfer costs milliseconds


def convert_in_parallel(
    stream: BinaryIO, source: Source, form: Format, options: Options, executor: Executor
) -> Iterator[Part]:
    """Convert a file of lines with an executor.

    Args:
        stream: The open file, positioned after its byte order mark.
        source: The file's path; local workers read plain files themselves.
        form: The format, with layout ``lines``.
        options: The user's options.
        executor: The executor.

    Returns:
        The parts, in order.

    Raises:
        LimitExceeded: A line is longer than allowed.
        IntentflowError: Workers were killed, mostly because they ran out of memory.
    """
    return executor.map(
        partial(_convert, form, options), _blocks(stream, source, options.limits, executor)
    )


class _Range(NamedTuple):
    """The lines of a plain file that begin in ``start`` ≤ position < ``end``."""

    path: Path
    start: int
    end: int
    is_first: bool


def _blocks(
    stream: BinaryIO, source: Source, limits: SizeLimits, executor: Executor
) -> Iterator[_Range | bytes]:
    if not executor.shares_files:
        yield from read_blocks(stream, SHIPPED_BYTES, limits)
        return
    if is_gzip(source.path):
        yield from read_blocks(stream, BLOCK_BYTES, limits)
        return
    first, size = stream.tell(), source.path.stat().st_size
    for start in range(first, size, BLOCK_BYTES):
        yield _Range(source.path, start, min(start + BLOCK_BYTES, size), start == first)


def _read_range(block: _Range, limits: SizeLimits) -> bytes:
    with block.path.open("rb") as stream:
        stream.seek(block.start)
        if not block.is_first:
            stream.seek(block.start - 1)
            _skip_line(stream, block.end)  # the rest of one that begins before
        length = block.end - stream.tell()
        if length <= 0:
            return b""
        return end_block(stream, stream.read(length), limits)


def _skip_line(stream: BinaryIO, end: int) -> None:
    """Read to the end of a line, or to a position if the line is longer."""
    while stream.tell() < end and not stream.readline(BLOCK_BYTES).endswith(b"\n"):
        pass


def _convert(form: Format, options: Options, block: _Range | bytes) -> Part:
    data = block if isinstance(block, bytes) else _read_range(block, options.limits)
    return convert_block(data, form, options)
