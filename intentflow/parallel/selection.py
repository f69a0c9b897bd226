"""Selection of an executor by ``--engine`` or ``INTENTFLOW_ENGINE``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from intentflow.errors import UsageError
from intentflow.parallel.executor import Executor
from intentflow.parallel.process_executor import ProcessExecutor, allowed_workers, usable_cpus

EXECUTORS = ("local", "ray")


@contextmanager
def open_executor(
    name: str = "local", address: str | None = None, workers: int | None = None
) -> Iterator[Executor]:
    """Open an executor until the ``with`` block ends.

    Args:
        name: ``local`` for local processes, or ``ray``.
        address: Address of a Ray cluster: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``. If None,
            the value of ``RAY_ADDRESS``; without it, a local cluster is started and shut down.
        workers: Number of processes, at most 4 for each usable CPU; one for each CPU if None.

    Raises:
        UsageError: The name is unknown, the address is invalid, or no cluster answers there.
        ModuleNotFoundError: The ``ray`` extra is not installed.

    Example:
        >>> with open_executor("local", workers=1) as executor:
        ...     list(executor.map(str.upper, ["a", "b"]))
        ['A', 'B']
    """
    if name not in EXECUTORS:
        raise UsageError(f"--engine {name}: unknown; choose one of: {', '.join(EXECUTORS)}")
    if name == "local" and address is not None:
        raise UsageError("--ray-address needs --engine ray")
    found = usable_cpus() if workers is None else allowed_workers(workers)
    if name == "local":
        yield ProcessExecutor(found)
        return
    from intentflow.parallel.ray_executor import ray_cluster

    with ray_cluster(address, found) as cluster:
        yield cluster


def executor_from_environment() -> AbstractContextManager[Executor | None]:
    """The executor named by ``INTENTFLOW_ENGINE``, for pipeline steps; None if it is not set.

    Raises:
        UsageError: The name in the variable is unknown, the address is invalid, or no cluster
            answers there.
    """
    name = os.environ.get("INTENTFLOW_ENGINE")
    return open_executor(name) if name else nullcontext()
