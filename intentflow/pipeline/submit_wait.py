"""Waiting for the end of a run in Kubeflow Pipelines, also while the server is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from intentflow.errors import CheckFailed, ServiceError
from intentflow.pipeline.submit_client import (
    KfpClient,
    KfpLoginRefused,
    KfpUnavailable,
    readable_errors,
)

log = logging.getLogger(__name__)

_POLL_SECONDS = 5.0
_RENEWAL_SECONDS = 300.0
_FINISHED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")


def wait_for_run(client: KfpClient, run_id: str, url: str, wait_seconds: float) -> str:
    """Wait for a run's end, logging each change of its state.

    A server that is away is asked again until the time is over. An expired token is read again
    from its file, which whoever renews it is given five minutes for.

    Args:
        client: A connected client.
        run_id: Id of the run.
        url: URL of the run for a browser, for messages.
        wait_seconds: Maximum time to wait.

    Returns:
        The final state, ``SUCCEEDED`` or ``SKIPPED``.

    Raises:
        CheckFailed: The run did not succeed, or not in time.
        ServiceError: The server refused; the message says that the run goes on.
    """
    deadline = time.monotonic() + wait_seconds
    state = _Asking(client, run_id, url).until(deadline)
    if state not in _FINISHED:
        raise CheckFailed(f"run {run_id} was still {state} after {wait_seconds:g} s: {url}")
    if state in ("FAILED", "CANCELED"):
        raise CheckFailed(f"run {run_id} ended as {state}: {url}")
    return state


class _Asking:
    """Asks for the state of a run, and remembers since when it is refused."""

    def __init__(self, client: KfpClient, run_id: str, url: str) -> None:
        self._client, self._run_id, self._url = client, run_id, url
        self._reported = ""
        self._refused_since: float | None = None

    def until(self, deadline: float) -> str:
        state = "in an unknown state"
        while True:
            state = self._patiently(self._state, state)
            if state in _FINISHED or time.monotonic() >= deadline:
                return state
            time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))

    def _state(self) -> str:
        with readable_errors(self._client.connection):
            return str(self._client.runs.run_service_get_run(self._run_id).state or "PENDING")

    def _patiently(self, ask: Callable[[], str], known: str) -> str:
        try:
            state = ask()
        except KfpUnavailable as error:
            self._report(f"{error}; asking again", logging.WARNING)
            return known
        except KfpLoginRefused as error:
            self._wait_for_a_new_token(error)
            return known
        self._refused_since = None
        self._report(f"run {self._run_id}: {state}", logging.INFO)
        return state

    def _wait_for_a_new_token(self, error: KfpLoginRefused) -> None:
        now = time.monotonic()
        self._refused_since = self._refused_since or now
        may_pass = self._client.connection.renews_itself
        if not may_pass or now - self._refused_since > _RENEWAL_SECONDS:
            raise ServiceError(f"{error}. The run goes on: {self._url}") from error
        self._report(f"{error}; reading the token again", logging.WARNING)

    def _report(self, text: str, level: int) -> None:
        if text != self._reported:
            log.log(level, text)
            self._reported = text
