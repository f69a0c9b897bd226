"""What an engine does: apply a function to items and give the results in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK_ROWS = 2000
"""Rows handed over at once: enough that handing over costs little beside the work."""


class Engine(Protocol):
    """Applies functions, somewhere."""

    @property
    def shares_files(self) -> bool:
        """Whether functions can open this machine's files."""

    @property
    def least_rows(self) -> int:
        """Rows below which handing them over costs more than it saves."""

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The function's results, in the order of the items; only a few items are read ahead.

        Args:
            function: Of a module, or a ``partial`` of one; without side effects, for it may be
                applied to an item again where a worker is lost.
            items: They and the results go from process to process.

        Raises:
            IntentflowError: Workers are lost again and again, or cannot be reached.
        """


def map_rows(
    engine: Engine | None,
    function: Callable[[Sequence[Item]], Sequence[Result]],
    rows: Sequence[Item],
    chunk_rows: int = CHUNK_ROWS,
) -> list[Result]:
    """Apply a function that maps rows to as many results, some rows at a time.

    Args:
        engine: Where; in this process if None, and for few rows.
        function: As for :meth:`Engine.map`; what it gives for a row depends on that row alone.
        rows: The rows.
        chunk_rows: Rows handed over at once.

    Returns:
        The results, in the order of the rows.
    """
    if engine is None or len(rows) < max(engine.least_rows, chunk_rows + 1):
        return list(function(rows))
    chunks = (rows[start : start + chunk_rows] for start in range(0, len(rows), chunk_rows))
    return list(chain.from_iterable(engine.map(function, chunks)))
