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
    read_blocks,
)
from intentflow.conversion.export_format import Format, Options
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
        IntentflowError: Workers were killed, mostly because they ran out of memory.
    """
    return executor.map(partial(_convert, form, options), _blocks(stream, source, executor))


class _Range(NamedTuple):
    """The lines of a plain file that begin in ``start`` ≤ position < ``end``."""

    path: Path
    start: int
    end: int
    is_first: bool


def _blocks(stream: BinaryIO, source: Source, executor: Executor) -> Iterator[_Range | bytes]:
    if not executor.shares_files:
        yield from read_blocks(stream, SHIPPED_BYTES)
        return
    if is_gzip(source.path):
        yield from read_blocks(stream, BLOCK_BYTES)
        return
    first, size = stream.tell(), source.path.stat().st_size
    for start in range(first, size, BLOCK_BYTES):
        yield _Range(source.path, start, min(start + BLOCK_BYTES, size), start == first)


def _read_range(block: _Range) -> bytes:
    with block.path.open("rb") as stream:
        stream.seek(block.start)
        if not block.is_first:
            stream.seek(block.start - 1)
            stream.readline()  # the rest of a line that begins before
        length = block.end - stream.tell()
        if length <= 0:
            return b""
        data = stream.read(length)
        return data if data.endswith(b"\n") else data + stream.readline()


def _convert(form: Format, options: Options, block: _Range | bytes) -> Part:
    data = block if isinstance(block, bytes) else _read_range(block)
    return convert_block(data, form, options).as_part()
