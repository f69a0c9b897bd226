"""Progress bars of libraries, which would stand next to this package's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_library_bars() -> Iterator[None]:
    """Switch transformers' bars off for a block or a function; its setting returns with the end.

    Example:
        >>> from transformers.utils import logging
        >>> before = logging.is_progress_bar_enabled()
        >>> with without_library_bars():
        ...     logging.is_progress_bar_enabled()
        False
        >>> logging.is_progress_bar_enabled() == before
        True
    """
    from transformers.utils import logging

    before = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if before:
            logging.enable_progress_bar()


@contextmanager
def without_new_bars(opened: Callable[[str], object] = str) -> Iterator[None]:
    """Hide all bars that are opened in a block: compressed-tensors' have no setting of their own.

    Args:
        opened: Function that gets the description of each of them.

    Example:
        >>> from tqdm import tqdm
        >>> with without_new_bars(print):
        ...     bar = tqdm([1, 2], desc="Compressing model")
        Compressing model
        >>> bar.disable
        True
    """
    from tqdm import tqdm

    create = tqdm.__init__

    def create_hidden(bar: Any, *args: Any, **options: Any) -> None:
        create(bar, *args, **{**options, "disable": True})
        opened(str(options.get("desc") or ""))

    tqdm.__init__ = create_hidden  # type: ignore[assignment, method-assign]
    try:
        with without_library_bars():
            yield
    finally:
        tqdm.__init__ = create  # type: ignore[method-assign]
