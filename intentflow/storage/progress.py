"""Progress of transfers, on standard error of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from intentflow.io.progress import progress_bar

Progress = Callable[[int], object]
"""Called with the number of further bytes that are done."""


@contextmanager
def bytes_bar(verb: str, total_bytes: int) -> Iterator[Progress]:
    """Yield a function to report the number of further bytes that are done."""
    with progress_bar(verb, total=total_bytes, unit="B", unit_scale=True, leave=False) as bar:
        yield bar.update
