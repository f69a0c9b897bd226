"""Progress bars on standard error."""

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
    """Create a progress bar; it is hidden for a single item, or if progress is switched off.

    Args:
        verb: Name of the work, such as ``evaluate``.
        total: Number of items; None if unknown.
        unit: Name of an item.
        disable: Whether to hide the bar.
        only_on_terminal: Whether to hide it in files and pipes, which otherwise get a line every
            10 seconds.
        **options: Further options of ``tqdm``.
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
