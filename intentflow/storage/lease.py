"""A lease on S3 servers without conditional put: one process at a time, by claims that expire.

Every process stores a claim of its own and lists those of the others, which needs only that a
listing has what was stored before it began. The order is Lamport's bakery algorithm: take a number
above all that are there, then wait for those with a lower one and for those that are choosing.
Claims expire by the server's clock, so clocks that differ do no harm; a process that was paused for
longer than its claim lives takes a new number.
"""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

from intentflow.errors import ServiceError
from intentflow.storage.uris import S3Location

LEASE_SECONDS = 60.0
_CHOOSING = 0
_PAUSE_SECONDS = 0.2


class ClaimStore(Protocol):
    """Operations of a store that claims need."""

    def write(self, location: S3Location, content: bytes) -> None:
        """Store an object."""

    def remove(self, location: S3Location) -> None:
        """Remove an object."""

    def times_below(self, location: S3Location) -> dict[str, datetime]:
        """Names below a key, and when the server stored the objects."""


@dataclass(frozen=True, order=True)
class _Claim:
    number: int
    token: str

    @property
    def name(self) -> str:
        return f"{self.number}-{self.token}"


class Lease:
    """A block that one process at a time executes.

    Args:
        store: Store of the claims.
        place: Key below which they are.
        seconds: Time after which a claim that was not renewed counts no longer.
        wait_seconds: Time to wait for the others.

    Raises:
        ServiceError: The others took too long; nothing was changed.
    """

    def __init__(
        self,
        store: ClaimStore,
        place: S3Location,
        *,
        seconds: float = LEASE_SECONDS,
        wait_seconds: float = 2 * LEASE_SECONDS,
    ) -> None:
        self._store, self._place = store, place
        self._seconds, self._wait_seconds = seconds, wait_seconds
        self._token = uuid.uuid4().hex
        self._own = _Claim(_CHOOSING, self._token)
        self._renewed = 0.0

    def __enter__(self) -> Self:
        deadline = time.monotonic() + self._wait_seconds
        try:
            self._take_number()
            while self._has_to_wait():
                if time.monotonic() > deadline:
                    raise ServiceError(
                        f"{self._place.parent}: other processes held it for "
                        f"{self._wait_seconds:.0f} s; wait until they end, then run again"
                    )
                time.sleep(random.uniform(0.5, 1) * _PAUSE_SECONDS)
        except BaseException:
            self._store.remove(self._place / self._own.name)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.remove(self._place / self._own.name)

    def require_held(self) -> None:
        """Check right before a write that the claim has not expired.

        Raises:
            ServiceError: The process was paused for too long; nothing was changed.
        """
        if self._age() > self._seconds / 2:
            raise ServiceError(
                f"{self._place.parent}: the process was paused for {self._age():.0f} s while it "
                "changed it; nothing was changed; run again"
            )

    def _take_number(self) -> None:
        """Store a claim with a number above all others; again if that took too long."""
        while True:
            began = time.monotonic()
            choosing = self._put(_Claim(_CHOOSING, self._token))
            others = self._others()
            self._put(_Claim(1 + max((one.number for one in others), default=0), self._token))
            self._store.remove(self._place / choosing.name)
            if time.monotonic() - began < self._seconds / 2:
                return
            self._store.remove(self._place / self._own.name)

    def _has_to_wait(self) -> bool:
        if self._age() > self._seconds / 4:
            if self._age() > self._seconds / 2:  # it may have counted as expired meanwhile
                self._store.remove(self._place / self._own.name)
                self._take_number()
            else:
                self._put(self._own)
        waits = any(one.number == _CHOOSING or one < self._own for one in self._others())
        return waits or self._age() > self._seconds / 2

    def _put(self, claim: _Claim) -> _Claim:
        self._own = claim
        renewed = time.monotonic()
        self._store.write(self._place / claim.name, b"")
        self._renewed = renewed
        return claim

    def _age(self) -> float:
        return time.monotonic() - self._renewed

    def _others(self) -> list[_Claim]:
        """The claims of others that have not expired; expired ones are removed."""
        listed = self._store.times_below(self._place)
        stored = listed.get(self._own.name)
        if stored is None:
            raise ServiceError(
                f"{self._place.parent}: a claim that was just stored is not listed; the S3 server "
                "must list objects as soon as they are stored"
            )
        expired = stored + timedelta(seconds=self._age() - self._seconds)
        found = []
        for name, when in listed.items():
            number, _, token = name.partition("-")
            if token == self._token or not number.isdecimal():
                continue
            if when < expired:
                self._store.remove(self._place / name)
            else:
                found.append(_Claim(int(number), token))
        return found
