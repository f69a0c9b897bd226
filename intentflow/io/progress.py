"""Progress of long work: a bar on a terminal, lines of the log where a pod's is all there is.

A step of a local run has a pipe for its standard error, and the terminal is the runner's: it asks
for bars by ``RUNNER_SHOWS``, gets them as records with ``progress``, and shows the last one.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from intentflow.logs import shows_progress

if TYPE_CHECKING:
    from tqdm import tqdm

RUNNER_SHOWS = "INTENTFLOW_PROGRESS"
"""Environment variable: set by a local run with a terminal, for its steps."""

_DELAY_SECONDS = 2.0
_TERMINAL_SECONDS = 0.5
_LOG_SECONDS = 10.0
_LOG_FORMAT = "{desc}: {n_fmt}/{total_fmt} {unit}, {rate_fmt}, {elapsed}<{remaining}{postfix}"

log = logging.getLogger(__name__)


def progress_bar(
    verb: str,
    *,
    total: int | None = None,
    unit: str,
    disable: bool = False,
    in_log: bool = False,
    **options: Any,
) -> tqdm[Any]:
    """Create a progress bar, which is shown after two seconds.

    It is hidden for a single item, without a terminal, and where ``-q`` or ``--log-format json``
    switch progress off.

    Args:
        verb: Name of the work, such as ``evaluate``.
        total: Number of items; None if unknown.
        unit: Name of an item.
        disable: Whether to hide the bar.
        in_log: Whether the log gets a line every 10 seconds where no terminal is: for work that
            takes minutes, such as a training in a pod.
        **options: Further options of ``tqdm``.
    """
    from tqdm import tqdm

    on_terminal, by_runner = sys.stderr.isatty(), RUNNER_SHOWS in os.environ
    few = total is not None and total < 2
    shown = shows_progress() and not few and (on_terminal or by_runner or in_log)
    settings: dict[str, Any] = {"delay": _DELAY_SECONDS, "mininterval": _TERMINAL_SECONDS}
    if not on_terminal:
        settings["file"] = _LogLines()
        if not by_runner:
            settings |= {"mininterval": _LOG_SECONDS, "bar_format": _LOG_FORMAT}
    return tqdm(
        total=total, desc=verb, unit=unit, disable=disable or not shown, **settings, **options
    )


class _LogLines:
    """A file of a bar, each state of which becomes a record of the log."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Log a state; what clears the line is none."""
        if state := text.strip():
            log.info("%s", state, extra={"progress": True})
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""
