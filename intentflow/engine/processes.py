"""Several processes of this machine."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intentflow.engine.mapping import Item, Result
from intentflow.errors import IntentflowError

if TYPE_CHECKING:
    from concurrent.futures import Future

_AHEAD = 3  # items a process: enough that none waits, few enough that memory stays flat


@dataclass(frozen=True)
class Processes:
    """A pool of processes for each call of ``map``.

    Attributes:
        workers: Their number; with one, the work is done in this process.
        least_rows: See :class:`intentflow.engine.Engine`; each process first loads what it needs.
    """

    workers: int
    least_rows: int = 50_000

    @property
    def shares_files(self) -> bool:
        """They do."""
        return True

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """See :meth:`intentflow.engine.Engine.map`."""
        return map(function, items) if self.workers == 1 else self._map(function, items)

    def _map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        import multiprocessing  # these cost start-up time
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        pool = ProcessPoolExecutor(self.workers, context)
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= self.workers * _AHEAD:
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


def usable_processors() -> int:
    """How many processors this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
