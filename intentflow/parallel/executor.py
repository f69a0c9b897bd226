"""Executors: apply a function to items and return the results in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from intentflow.io.progress import progress_bar

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK_ROWS = 2000
"""Rows per chunk: large enough that the overhead of a transfer is small compared with the work."""

_ROWS_UNTIL_SHOWN = 200  # rows of this process between two states of the progress bar


class Executor(Protocol):
    """Applies functions to items, in this process or elsewhere."""

    @property
    def shares_files(self) -> bool:
        """Whether the functions can open local files."""

    @property
    def min_rows(self) -> int:
        """Number of rows below which a transfer costs more than it saves."""

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The function's results, in the order of the items; only a few items are read ahead.

        Args:
            function: A module-level function or a ``partial`` of one. It must have no side
                effects: if a worker is lost, it is applied to the same item again.
            items: Picklable arguments; the results must be picklable, too.

        Raises:
            IntentflowError: Workers are lost repeatedly, or cannot be reached.
        """


def map_rows(
    executor: Executor | None,
    function: Callable[[Sequence[Item]], Sequence[Result]],
    rows: Sequence[Item],
    chunk_rows: int = CHUNK_ROWS,
    *,
    verb: str = "rows",
) -> list[Result]:
    """Apply a function to rows, chunk by chunk.

    Args:
        executor: Executor of the chunks; if None, or for few rows, this process does the work.
        function: Returns one result for each row of a chunk; see :meth:`Executor.map`. A row's
            result must not depend on the other rows.
        rows: The rows.
        chunk_rows: Number of rows per chunk.
        verb: Name of the work, for the progress bar.

    Returns:
        The results, in the order of the rows.

    Example:
        >>> map_rows(None, lambda rows: [row.upper() for row in rows], ["a", "b"])
        ['A', 'B']
    """
    here = executor is None or len(rows) < max(executor.min_rows, chunk_rows + 1)
    apply: Callable[..., Iterable[Sequence[Result]]] = map
    if executor is not None and not here:
        apply = executor.map
    size = min(chunk_rows, _ROWS_UNTIL_SHOWN) if here else chunk_rows
    chunks = (rows[start : start + size] for start in range(0, len(rows), size))
    found: list[Result] = []
    with progress_bar(verb, total=len(rows), unit="row") as bar:
        for results in apply(function, chunks):
            found += results
            bar.update(len(results))
    return found
