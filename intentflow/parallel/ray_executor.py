"""A Ray cluster: one that is there, or one of this machine for the length of a command.

Plain tasks rather than Ray Data: results have to come in the order of the file while only a few
blocks are held, the blocks come from a stream that only the driver can open (gzip, ``s3://`` with
its keys), and parts with their rejects are no table. Ray runs a task again, on another worker,
when its worker or its machine is lost.
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

from intentflow.errors import IntentflowError
from intentflow.parallel.executor import Item, Result

_RETRIES = 5
_LEAST_AHEAD = 16
_AHEAD = 3  # items a processor: enough that none waits
_LOCAL_STORE_BYTES = 512 << 20
_ANSWER_SECONDS = 10


class RayCluster:
    """A cluster that this process is connected to."""

    @property
    def least_rows(self) -> int:
        """Whoever asks for a cluster gets it."""
        return 0

    @property
    def shares_files(self) -> bool:
        """A worker may be on any machine."""
        return False

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """See :meth:`intentflow.parallel.Engine.map`."""
        import ray

        apply = ray.remote(max_retries=_RETRIES)(_apply)
        ahead = max(_LEAST_AHEAD, _AHEAD * int(ray.cluster_resources().get("CPU", 0)))
        waiting: deque[Any] = deque()
        for item in items:
            waiting.append(apply.remote(function, ray.put(item)))
            if len(waiting) >= ahead:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())


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
        raise IntentflowError(
            f"Ray: a block was tried {_RETRIES + 1} times and its worker was lost each time, "
            f"perhaps for want of memory ({first})"
        ) from error


@contextmanager
def ray_cluster(address: str | None, workers: int) -> Iterator[RayCluster]:
    """Connect to a cluster, or start one on this machine, until the block ends.

    Args:
        address: See :func:`intentflow.parallel.open_engine`.
        workers: Processors of a cluster that is started.

    Raises:
        IntentflowError: No cluster answers there.
        ModuleNotFoundError: The ``ray`` extra is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported unasked
    os.environ.setdefault("RAY_worker_niceness", "0")  # the work is what the command is for
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a warning
    import ray

    if ray.is_initialized():  # the caller's, who ends it
        yield RayCluster()
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
        raise IntentflowError(
            f"no Ray cluster at {address or 'this machine'}: {reason} (a cluster that asks for a "
            "token wants RAY_AUTH_MODE=token and RAY_AUTH_TOKEN)"
        ) from error
    try:
        with redirect_stdout(sys.stderr):  # Ray prints what its workers go through
            yield RayCluster()
    finally:
        ray.shutdown()


def _check_answers(address: str | None) -> None:
    """Refuse an address that nobody listens on; Ray itself tries for many minutes.

    Raises:
        IntentflowError: Nobody does, or it is no address.
    """
    if not address or address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise IntentflowError(f"{address}: not auto, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise IntentflowError(f"no Ray cluster at {address}: {error}") from error
