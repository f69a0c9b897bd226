"""The lease of a local retraining: taken before its first step, renewed while the run lives."""

from __future__ import annotations

import logging
import os
import platform
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from intentflow.environment import environment_variables
from intentflow.errors import IntentflowError
from intentflow.pipeline.parameters import from_parameter
from intentflow.pipeline.steps.lease import HOLDER, LOCAL_SECONDS, leases_of
from intentflow.pipeline.steps.recorded import RecordConfig

log = logging.getLogger(__name__)

_RENEWALS = 10  # in the time after which it expires


@contextmanager
def retraining_lease(arguments: Mapping[str, Any]) -> Iterator[None]:
    """Hold the lease of a retraining until the block ends; a graph without one needs none.

    Args:
        arguments: Arguments of the graph.

    Raises:
        InputError: Another retraining of the service is under way.
        ServiceError: The storage of the registry does not answer, or refuses.
    """
    from intentflow.registry.retrain_leases import this_process

    config = from_parameter(RecordConfig, arguments["record"], "record")
    if not config.lease_hours:
        yield
        return
    leases, ended = leases_of(config), threading.Event()
    holder = f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    leases.take(holder, LOCAL_SECONDS, this_process())

    def renew() -> None:
        while not ended.wait(LOCAL_SECONDS / _RENEWALS):
            try:
                leases.keep(holder, LOCAL_SECONDS)
            except IntentflowError as error:  # the next step that changes anything ends the run
                log.warning("the lease of the retraining was not renewed: %s", error)

    thread = threading.Thread(target=renew, name="retraining-lease", daemon=True)
    thread.start()
    try:
        with environment_variables({HOLDER: holder}):
            yield
    finally:
        ended.set()
        thread.join()
        _release(config, holder)


def _release(config: RecordConfig, holder: str) -> None:
    try:
        leases_of(config).release(holder)
    except IntentflowError as error:
        log.warning("the lease of the retraining was not given back: %s", error)
