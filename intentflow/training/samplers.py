"""Each process's share of the global batch: all rows, none of them twice.

The library's own sharding fills the last batch of an epoch with rows from its beginning, so that
the curve would depend on the number of processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

from torch.utils.data import DataLoader, Dataset, Sampler

from intentflow.models.encoding import EncodedRow


class RowsWithPadding(Dataset[EncodedRow]):
    """The rows and, after the last, one without effect.

    A process without a row in a batch computes that one, because every process has to take part in
    every step.

    Args:
        rows: Training rows.
    """

    def __init__(self, rows: Sequence[EncodedRow]) -> None:
        self._rows = rows
        self._silent = EncodedRow([*rows[0].prompt, *rows[0].answer], [], 0)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> EncodedRow:
        return self._silent if index == len(self._rows) else self._rows[index]


class ShareSampler(Sampler[list[int]]):
    """Batches of one process.

    Args:
        rows: Total number of rows.
        order: Order of the rows; a sampler with ``set_epoch`` if it changes with the epoch.
        batch_size: Number of rows in one batch.
        batches: Number of batches of each process in one optimizer step.
        process: Number of this process, and number of all processes.
    """

    def __init__(
        self, rows: int, order: Any, batch_size: int, batches: int, process: tuple[int, int]
    ) -> None:
        self._rows, self._order = rows, order
        self._batch_size, self._batches = batch_size, batches
        self._rank, self._world = process

    def __len__(self) -> int:
        complete, rest = divmod(self._rows, self._batch_size * self._batches * self._world)
        return complete * self._batches + self._batches_for(rest)

    def __iter__(self) -> Iterator[list[int]]:
        order = list(self._order)
        step = self._batch_size * self._batches * self._world
        for start in range(0, len(order), step):
            yield from self._share(order[start : start + step])

    def set_epoch(self, epoch: int) -> None:
        """Shuffle the rows again, in the same way in all processes."""
        if hasattr(self._order, "set_epoch"):
            self._order.set_epoch(epoch)

    def _share(self, rows: list[int]) -> Iterator[list[int]]:
        """The batches of this process in one step."""
        parts = self._batches_for(len(rows)) * self._world
        for part in range(self._rank, parts, self._world):
            found = rows[len(rows) * part // parts : len(rows) * (part + 1) // parts]
            yield found or [self._rows]

    def _batches_for(self, rows: int) -> int:
        return ceil(ceil(rows / self._batch_size) / self._world)


class ShareLoader(DataLoader[Any]):
    """A loader that passes the epoch to its sampler."""

    def set_epoch(self, epoch: int) -> None:
        """Order the rows again."""
        sampler: Any = self.batch_sampler
        sampler.set_epoch(epoch)
