"""One retraining of a service at a time, by a lease next to a registry's entries.

A run that ends gives its lease back. One that was killed leaves it: a run on the same host sees
that its process is gone, others wait until it has expired. A lease that expired early, because
clocks differ or a run was paused, does no harm: a run checks before each change of the registry
that no other has taken the lease since.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from intentflow.artifacts.registry_entry import TIME_FORMAT, now
from intentflow.artifacts.retrain_lease import HoldingProcess, RetrainLease
from intentflow.errors import InputError
from intentflow.storage.objects import open_objects

_FOLDER = "retrainings"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TOLERANCE_SECONDS = 2.0

NewLease = Callable[[RetrainLease | None], RetrainLease | None]


class RetrainLeases:
    """The lease of a service's retraining.

    Args:
        place: Folder or ``s3://bucket/prefix`` of the registry.
        service: Name of the service.

    Raises:
        InputError: The address is invalid.
        ServiceError: There are no credentials for S3.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     leases = RetrainLeases(folder, "banking")
        ...     leases.take("run-1", 3600)
        ...     leases.release("run-1")
        ...     leases.take("run-2", 3600)
        ...     leases.read().holder
        'run-2'
    """

    def __init__(self, place: str | Path, service: str) -> None:
        self._service = service
        self._objects = open_objects(place)
        self._name = f"{_FOLDER}/{service}.json"
        self._where = self._objects.address(self._name)

    def read(self) -> RetrainLease | None:
        """The lease; None if no run has ever held it.

        Raises:
            InputError: The file of the lease is damaged.
            ServiceError: The storage does not answer, or refuses.
        """
        return self._parsed(self._objects.read(self._name))

    def take(self, holder: str, seconds: float, process: HoldingProcess | None = None) -> None:
        """Take the lease for a run, or keep the one that the run has already.

        Args:
            holder: Id of the run.
            seconds: Time after which another run may take it.
            process: Process that holds it; None if it is in a cluster.

        Raises:
            InputError: Another run holds it, or its file is damaged.
            ServiceError: The storage does not answer, or refuses.
        """

        def taken(found: RetrainLease | None) -> RetrainLease:
            is_others = found is not None and found.holder != holder
            if found and is_others and not (found.is_over(now()) or _is_gone(found.process)):
                raise InputError(
                    f"another retraining of {self._service} is under way (run {found.holder}, "
                    f"since {found.taken}): wait for it to end, then run again; if it was "
                    f"killed, its lease ends at {found.expires}, or delete {self._where}"
                )
            since = found.taken if found and not is_others and not found.released else now()
            return RetrainLease(
                name=self._service,
                holder=holder,
                taken=since,
                expires=_later(seconds),
                process=process,
            )

        self._change(taken)

    def keep(self, holder: str, seconds: float) -> None:
        """Check that no other run has taken the lease since this one has, and prolong it.

        Args:
            holder: Id of the run.
            seconds: Time after which another run may take it, if that is later than before.

        Raises:
            InputError: The run has it no more, so that it must change nothing.
            ServiceError: The storage does not answer, or refuses.
        """

        def kept(found: RetrainLease | None) -> RetrainLease:
            if found is None or found.holder != holder:
                other = f": run {found.holder} has taken it at {found.taken}" if found else ""
                raise InputError(
                    f"the run {holder} has lost the lease of {self._service}'s retraining{other}; "
                    "it changes nothing: run again"
                )
            expires = max(found.expires, _later(seconds))
            return found.model_copy(update={"expires": expires, "released": False})

        self._change(kept)

    def release(self, holder: str) -> None:
        """Give the lease back; that of another run stays as it is.

        Args:
            holder: Id of the run.

        Raises:
            InputError: The file of the lease is damaged.
            ServiceError: The storage does not answer, or refuses.
        """

        def released(found: RetrainLease | None) -> RetrainLease | None:
            if found is None or found.holder != holder:
                return found
            return found.model_copy(update={"released": True})

        found = self.read()
        if found is not None and found.holder == holder:
            self._change(released)

    def _change(self, change: NewLease) -> None:
        def changed(content: bytes | None) -> bytes:
            after = change(self._parsed(content))
            if after is None:
                return content or b""
            return after.content()

        self._objects.change(self._name, changed)

    def _parsed(self, content: bytes | None) -> RetrainLease | None:
        if not content:
            return None
        try:
            document: object = json.loads(content)
        except (ValueError, RecursionError):
            raise InputError(f"{self._where}: damaged: not JSON; {RetrainLease.ADVICE}") from None
        return RetrainLease.from_mapping(document, self._where)


def this_process() -> HoldingProcess:
    """The present process, as the holder of a lease."""
    import psutil

    started = psutil.Process().create_time()
    return HoldingProcess(host=_host(), number=os.getpid(), started=started)


def _is_gone(process: HoldingProcess | None) -> bool:
    """Whether a process of this host has ended; of other hosts it is not known."""
    import psutil

    if process is None or process.host != _host():
        return False
    try:
        started = psutil.Process(process.number).create_time()
    except psutil.NoSuchProcess:
        return True
    return abs(started - process.started) > _START_TOLERANCE_SECONDS


def _host() -> str:
    """Name of the host and of its boot: a number of a process means nothing after another one."""
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    return f"{platform.node()} {boot}".strip()


def _later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime(TIME_FORMAT)
