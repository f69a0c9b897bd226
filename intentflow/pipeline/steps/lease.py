"""The lease of a retraining, as the steps of a run take, check and give it back."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from intentflow.errors import IntentflowError

if TYPE_CHECKING:
    from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
    from intentflow.registry.retrain_leases import RetrainLeases

log = logging.getLogger(__name__)

HOLDER = "INTENTFLOW_LEASE_HOLDER"
"""Environment variable: the local run that holds the lease, and renews it while it lives."""
LOCAL_SECONDS = 600.0
"""Time after which the lease of a local run that is not renewed may be taken by another host."""

_SECONDS_PER_HOUR = 3600.0


def take_lease(recorded: Recorded) -> None:
    """Take the lease of the service's retraining for a run.

    Args:
        recorded: The run; without ``lease_hours`` it needs none.

    Raises:
        InputError: Another run holds it.
        ServiceError: The storage does not answer, or refuses.
    """
    if not recorded.config.lease_hours:
        return
    if os.environ.get(HOLDER):  # the process of the run has taken it, which is known to live
        keep_lease(recorded)
        return
    leases_of(recorded.config).take(recorded.run, _seconds(recorded))


def keep_lease(recorded: Recorded) -> None:
    """Check before a change of the registry or the service that the run has its lease still.

    Args:
        recorded: The run; without ``lease_hours`` it needs none.

    Raises:
        InputError: Another run has taken it: this one's rows are older than the champion's.
        ServiceError: The storage does not answer, or refuses.
    """
    if recorded.config.lease_hours:
        leases_of(recorded.config).keep(_holder(recorded), _seconds(recorded))


def release_lease(recorded: Recorded) -> None:
    """Give the lease back at the end of a run; a failure is logged, and the lease expires.

    Args:
        recorded: The run.
    """
    if not recorded.config.lease_hours:
        return
    try:
        leases_of(recorded.config).release(_holder(recorded))
    except IntentflowError as error:
        log.warning("the lease of the retraining was not given back: %s", error)


def leases_of(config: RecordConfig) -> RetrainLeases:
    """The lease of a service in its registry.

    Raises:
        InputError: The address of the registry is invalid.
        ServiceError: There are no credentials for S3.
    """
    from intentflow.registry.retrain_leases import RetrainLeases

    return RetrainLeases(config.registry or "", config.service)


def _holder(recorded: Recorded) -> str:
    return os.environ.get(HOLDER) or recorded.run


def _seconds(recorded: Recorded) -> float:
    if os.environ.get(HOLDER):
        return LOCAL_SECONDS
    return (recorded.config.lease_hours or 0) * _SECONDS_PER_HOUR
