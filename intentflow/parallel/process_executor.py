"""An executor of local processes."""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from intentflow.errors import InputError
from intentflow.parallel.executor import Item, Result

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger(__name__)

_MAX_WORKERS_PER_CPU = 4
_QUEUED_PER_WORKER = 3  # enough that no worker idles, few enough that memory use stays flat


@dataclass(frozen=True)
class ProcessExecutor:
    """A pool of processes for each call of ``map``.

    Attributes:
        workers: Maximum number of processes; never more than items are started. With one worker
            or one item, this process does the work.
        min_rows: Number of rows from which on several processes are worth their start, in which
            each loads what it needs.
    """

    workers: int
    min_rows: int = 50_000

    @property
    def shares_files(self) -> bool:
        """Always true: local processes see the local files."""
        return True

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """See :meth:`intentflow.parallel.Executor.map`."""
        return map(function, items) if self.workers == 1 else self._map(function, items)

    def _map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        source = iter(items)
        first = list(islice(source, self.workers))
        if len(first) < 2:  # nothing to distribute
            yield from map(function, first)
            return
        import multiprocessing  # slow to import
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        pool = ProcessPoolExecutor(len(first), context)
        pending: deque[Future[Result]] = deque()
        try:
            for item in chain(first, source):
                pending.append(pool.submit(function, item))
                if len(pending) >= len(first) * _QUEUED_PER_WORKER:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool:
            raise InputError(
                "a worker process was killed, perhaps because it ran out of memory; "
                "run again with fewer --workers"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def allowed_workers(requested: int) -> int:
    """The requested number of workers, lowered to the number that this computer can use.

    A warning is logged when the number is lowered.

    Raises:
        InputError: The requested number is less than 1.

    Example:
        >>> allowed_workers(1)
        1
    """
    if requested < 1:
        raise InputError(f"the number of workers must be 1 or more, not {requested}")
    max_workers = _MAX_WORKERS_PER_CPU * usable_cpus()
    if requested > max_workers:
        log.warning(
            "--workers %d: lowered to %d, %d for each CPU that this process may use",
            requested,
            max_workers,
            _MAX_WORKERS_PER_CPU,
        )
    return min(requested, max_workers)


def usable_cpus() -> int:
    """Number of CPUs that this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
