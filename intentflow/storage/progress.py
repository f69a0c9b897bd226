"""Progress of copying, on stderr, where somebody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

Progress = Callable[[int], object]
"""Told how many more bytes are done."""


@contextmanager
def bytes_bar(verb: str, total_bytes: int) -> Iterator[Progress]:
    """Yield a function to tell how many more bytes are done."""
    with tqdm(
        total=total_bytes, desc=verb, unit="B", unit_scale=True, disable=None, leave=False
    ) as bar:
        yield bar.update
