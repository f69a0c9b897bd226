"""An executor on a Ray cluster: a running one, or a local one started for a single command.

Plain tasks rather than Ray Data: results have to arrive in the order of the file while only a few
blocks are in memory, the blocks come from a stream that only the driver can open (gzip, ``s3://``
with its keys), and parts with their rejects are not a table. If a worker or its node is lost, Ray
runs the task again on another worker.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from intentflow.errors import IntentflowError, ServiceError, UsageError
from intentflow.parallel.executor import Item, Result

_RETRIES = 5
_MIN_QUEUED = 16
_QUEUED_PER_CPU = 3  # enough that no CPU idles
_LOCAL_STORE_BYTES = 512 << 20
_CONNECT_TIMEOUT_SECONDS = 10


class RayExecutor:
    """A cluster that this process is connected to."""

    @property
    def min_rows(self) -> int:
        """Always 0: a cluster that is requested is used for any number of rows."""
        return 0

    @property
    def shares_files(self) -> bool:
        """Always false: a worker may run on another node."""
        return False

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """See :meth:`intentflow.parallel.Executor.map`."""
        import ray

        apply = ray.remote(max_retries=_RETRIES)(_apply)
        cpus = int(ray.cluster_resources().get("CPU", 0))
        max_pending = max(_MIN_QUEUED, _QUEUED_PER_CPU * cpus)
        pending: deque[Any] = deque()
        for item in items:
            pending.append(apply.remote(function, ray.put(item)))
            if len(pending) >= max_pending:
                yield _result(pending.popleft())
        while pending:
            yield _result(pending.popleft())


def _apply(function: Callable[[Item], Result], item: Item) -> Result:
    return function(item)


def _result(reference: Any) -> Any:
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(reference)
    except RayTaskError as error:
        cause = error.cause
        if isinstance(cause, (IntentflowError, ModuleNotFoundError)):
            raise cause from None
        raise
    except RayError as error:
        first = str(error).strip().splitlines()[0]
        raise ServiceError(
            f"Ray: a block was attempted {_RETRIES + 1} times and its worker was lost each time, "
            f"perhaps because it ran out of memory ({first})"
        ) from error


@contextmanager
def ray_cluster(address: str | None, workers: int) -> Iterator[RayExecutor]:
    """Connect to a cluster, or start a local one, until the ``with`` block ends.

    Args:
        address: Address of a Ray cluster: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``; None
            for a local one.
        workers: Number of CPUs of a cluster that is started.

    Raises:
        InputError: No cluster answers at the address.
        ModuleNotFoundError: The ``ray`` extra is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no telemetry without consent
    os.environ.setdefault("RAY_worker_niceness", "0")  # this work has the command's priority
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a warning
    import ray

    if ray.is_initialized():  # by the caller, who also shuts it down
        yield RayExecutor()
        return
    address = address or os.environ.get("RAY_ADDRESS")
    _check_answers(address)
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address:
            ray.init(address, **quiet)
        else:
            ray.init(
                "local",
                num_cpus=workers,
                include_dashboard=False,
                object_store_memory=_LOCAL_STORE_BYTES,
                **quiet,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0].partition(". Please")[0]
        raise ServiceError(
            f"no Ray cluster at {address or 'localhost'}: {reason} (a cluster that requires a "
            "token needs RAY_AUTH_MODE=token and RAY_AUTH_TOKEN)"
        ) from error
    try:
        with redirect_stdout(sys.stderr):  # Ray prints its workers' events
            yield RayExecutor()
    finally:
        ray.shutdown()


def _check_answers(address: str | None) -> None:
    """Refuse an address that nothing listens on; Ray itself tries for many minutes.

    Raises:
        ServiceError: Nothing listens there.
        UsageError: The text is not an address.
    """
    if not address or address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"{address} is not an address: give auto, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_TIMEOUT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ServiceError(f"no Ray cluster at {address}: {error}") from error
