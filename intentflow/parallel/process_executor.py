"""Several processes of this machine."""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from intentflow.errors import IntentflowError
from intentflow.parallel.executor import Item, Result

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger(__name__)

_MOST_A_PROCESSOR = 4
_AHEAD = 3  # items a process: enough that none waits, few enough that memory stays flat


@dataclass(frozen=True)
class Processes:
    """A pool of processes for each call of ``map``.

    Attributes:
        workers: Their greatest number, for there are never more than items; with one of either,
            the work is done in this process.
        least_rows: See :class:`intentflow.parallel.Engine`; each process first loads what it needs.
    """

    workers: int
    least_rows: int = 50_000

    @property
    def shares_files(self) -> bool:
        """They do."""
        return True

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """See :meth:`intentflow.parallel.Engine.map`."""
        return map(function, items) if self.workers == 1 else self._map(function, items)

    def _map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        source = iter(items)
        first = list(islice(source, self.workers))
        if len(first) < 2:  # nothing to divide
            yield from map(function, first)
            return
        import multiprocessing  # these cost start-up time
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        pool = ProcessPoolExecutor(len(first), context)
        waiting: deque[Future[Result]] = deque()
        try:
            for item in chain(first, source):
                waiting.append(pool.submit(function, item))
                if len(waiting) >= len(first) * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise IntentflowError(
                "a worker process was ended, perhaps for want of memory; "
                "run again with fewer --workers"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def allowed_workers(asked: int) -> int:
    """The number of workers asked for, or fewer where so many only cost memory.

    A warning is logged when it is lowered.

    Raises:
        IntentflowError: It is less than 1.
    """
    if asked < 1:
        raise IntentflowError(f"the number of workers must be 1 or more, not {asked}")
    most = _MOST_A_PROCESSOR * usable_processors()
    if asked > most:
        log.warning(
            "--workers %d: lowered to %d, %d for each processor that this process may use",
            asked,
            most,
            _MOST_A_PROCESSOR,
        )
    return min(asked, most)


def usable_processors() -> int:
    """How many processors this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
