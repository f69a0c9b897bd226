"""The lease of a service's retraining in a registry: one run at a time holds it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from intentflow.artifacts.document import ClosedArtifact, Integer, Number, Section
from intentflow.artifacts.registry_entry import Time
from intentflow.config import DNS_LABEL


class HoldingProcess(Section):
    """A process on a host; its start distinguishes it from a later one with the same number."""

    host: str = Field(description="Name of the host and of its boot")
    number: Integer = Field(description="Process id")
    started: Number = Field(description="Start of the process, seconds since the epoch")


class RetrainLease(ClosedArtifact):
    """The run that retrains a service, or the last one that did.

    Example:
        >>> lease = RetrainLease(name="banking", holder="7f3a", taken="2026-11-29T20:15:00Z",
        ...     expires="2026-11-29T21:15:00Z")
        >>> lease.is_over("2026-11-29T21:00:00Z"), lease.is_over("2026-11-29T22:00:00Z")
        (False, True)
    """

    WRONG_KIND: ClassVar[str] = "not the lease of a retraining"
    SIGN: ClassVar[str] = "holder"
    ADVICE: ClassVar[str] = "delete it if no retraining of this service is under way"
    IS_ASCII: ClassVar[bool] = True

    name: str = Field(description="Name of the service", pattern=DNS_LABEL)
    holder: str = Field(description="Run that holds it", min_length=1)
    taken: Time = Field(description="Time when the run took it, UTC")
    expires: Time = Field(description="Time when another run may take it, UTC")
    released: bool = Field(False, description="Whether the run has ended")
    process: HoldingProcess | None = Field(
        None, description="Process of a run outside a cluster; null in a cluster"
    )

    def is_over(self, now: str) -> bool:
        """Whether another run may take it, as far as the file shows.

        Args:
            now: The present time, UTC.
        """
        return self.released or self.expires <= now
