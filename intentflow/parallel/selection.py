"""From ``--engine`` to an engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from intentflow.errors import IntentflowError
from intentflow.parallel.executor import Engine
from intentflow.parallel.process_executor import Processes, allowed_workers, usable_processors

ENGINES = ("local", "ray")


@contextmanager
def open_engine(
    name: str = "local", address: str | None = None, workers: int | None = None
) -> Iterator[Engine]:
    """An engine for as long as the block runs.

    Args:
        name: ``local``, processes of this machine; or ``ray``.
        address: Of a Ray cluster: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``. If None, what
            ``RAY_ADDRESS`` says, and else a cluster on this machine is started and ended.
        workers: Number of processes, at most 4 for each usable processor; one for each if None.

    Raises:
        IntentflowError: Unknown name, a useless address, or no cluster there.
        ModuleNotFoundError: The ``ray`` extra is not installed.
    """
    if name not in ENGINES:
        raise IntentflowError(f"unknown engine {name}; known: {', '.join(ENGINES)}")
    if name == "local" and address is not None:
        raise IntentflowError("--ray-address goes with --engine ray")
    found = usable_processors() if workers is None else allowed_workers(workers)
    if name == "local":
        yield Processes(found)
        return
    from intentflow.parallel.ray_executor import ray_cluster

    with ray_cluster(address, found) as cluster:
        yield cluster


def told_engine() -> AbstractContextManager[Engine | None]:
    """The engine that a pipeline's step is told by ``INTENTFLOW_ENGINE``; None if by none.

    Raises:
        IntentflowError: See :func:`open_engine`.
    """
    name = os.environ.get("INTENTFLOW_ENGINE")
    return open_engine(name) if name else nullcontext()
