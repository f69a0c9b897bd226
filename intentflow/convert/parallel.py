"""Blocks of lines converted by an executor's workers, given back in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from intentflow.convert.blocks import (
    BLOCK_BYTES,
    Part,
    convert_block,
    read_blocks,
)
from intentflow.convert.export_format import Format, Options
from intentflow.convert.sources import Source, is_gzip
from intentflow.parallel import Executor

SHIPPED_BYTES = 8 << 20  # a block that goes to another machine; there, each costs milliseconds


def convert_in_parallel(
    stream: BinaryIO, source: Source, form: Format, options: Options, executor: Executor
) -> Iterator[Part]:
    """Convert a file of lines with an executor's workers.

    Args:
        stream: The file, open behind its byte order mark.
        source: Where it lies; workers of this machine read plain files themselves.
        form: The format, its layout ``lines``.
        options: What the user asked.
        executor: Whose workers.

    Returns:
        The parts, in order.

    Raises:
        IntentflowError: Workers ended, mostly for want of memory.
    """
    return executor.map(partial(_convert, form, options), _blocks(stream, source, executor))


class _Range(NamedTuple):
    """The lines of a plain file that begin at ``start`` or later, before ``end``."""

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
            stream.readline()  # the rest of a line that began before
        length = block.end - stream.tell()
        if length <= 0:
            return b""
        data = stream.read(length)
        return data if data.endswith(b"\n") else data + stream.readline()


def _convert(form: Format, options: Options, block: _Range | bytes) -> Part:
    data = block if isinstance(block, bytes) else _read_range(block)
    return convert_block(data, form, options).as_part()
