"""Progress bars on standard error, all of one kind."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from intentflow.logs import shows_progress

if TYPE_CHECKING:
    from tqdm import tqdm

_TERMINAL_SECONDS = 0.5
_FILE_SECONDS = 10.0


def progress_bar(
    verb: str,
    *,
    total: int | None = None,
    unit: str,
    disable: bool = False,
    only_on_terminal: bool = False,
    **options: Any,
) -> tqdm[Any]:
    """A bar that says how far something is; none for a single item, and none where not wanted.

    Args:
        verb: What is done, such as ``evaluate``.
        total: Items in all; None if unknown.
        unit: What an item is called.
        disable: Show none.
        only_on_terminal: Show none in a file or a pipe, where a line is written every 10 s.
        options: Further ones of ``tqdm``.
    """
    from tqdm import tqdm

    on_terminal = sys.stderr.isatty()
    few = total is not None and total < 2
    hidden = disable or few or (only_on_terminal and not on_terminal)
    return tqdm(
        total=total,
        desc=verb,
        unit=unit,
        disable=hidden or not shows_progress(),
        mininterval=_TERMINAL_SECONDS if on_terminal else _FILE_SECONDS,
        **options,
    )
