"""Blocks of lines converted by several processes, given back in the order of the file."""

from __future__ import annotations

import multiprocessing
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import BinaryIO, NamedTuple

from intentflow.convert.batches import (
    BLOCK_BYTES,
    Part,
    convert_block,
    read_blocks,
)
from intentflow.convert.shape import Format, Options
from intentflow.convert.sources import Source, is_gzip
from intentflow.errors import IntentflowError

_AHEAD = 3  # blocks a process: enough that none waits, few enough that memory stays flat


def convert_in_parallel(
    stream: BinaryIO, source: Source, form: Format, options: Options, workers: int
) -> Iterator[Part]:
    """Convert a file of lines with a pool of processes.

    Args:
        stream: The file, open behind its byte order mark.
        source: Where it lies; its processes read plain files themselves.
        form: The format, its layout ``lines``.
        options: What the user asked.
        workers: Number of processes.

    Returns:
        The parts, in order.

    Raises:
        IntentflowError: A process ended, mostly for want of memory.
    """
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    pool = ProcessPoolExecutor(workers, context, _start, (form, options))
    waiting: deque[Future[Part]] = deque()
    try:
        for block in _blocks(stream, source):
            waiting.append(pool.submit(_convert, block))
            if len(waiting) >= workers * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise IntentflowError(
            f"{source.name}: a worker process was ended, perhaps for want of memory; "
            "run again with fewer --workers"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


class _Range(NamedTuple):
    """The lines of a plain file that begin at ``start`` or later, before ``end``."""

    path: Path
    start: int
    end: int
    is_first: bool


def _blocks(stream: BinaryIO, source: Source) -> Iterator[_Range | bytes]:
    if is_gzip(source.path):
        yield from read_blocks(stream)
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


_asked: tuple[Format, Options]


def _start(form: Format, options: Options) -> None:
    global _asked
    _asked = (form, options)


def _convert(block: _Range | bytes) -> Part:
    data = block if isinstance(block, bytes) else _read_range(block)
    return convert_block(data, *_asked).as_part()
