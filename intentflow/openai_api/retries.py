"""Retries of requests after temporary failures."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from intentflow.openai_api.faults import Fault

if TYPE_CHECKING:
    from tenacity import AsyncRetrying, RetryCallState

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
_MAX_PAUSE_SECONDS = 8.0


def fault_retries(
    retries: int, before_pause: Callable[[Fault, float], None] | None = None
) -> AsyncRetrying:
    """Retry a coroutine function after a temporary :class:`Fault`.

    The pause is the one that the endpoint asked for, otherwise it doubles with each attempt. The
    OpenAI client's own retries ignore other replies than refusals, let one request take several
    time limits, and cannot be counted against a budget.

    Args:
        retries: Number of attempts after the first.
        before_pause: Function that gets the fault and the seconds until the next attempt.
    """
    from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

    def report(state: RetryCallState) -> None:
        log.debug("%s; again in %.1f s", _fault(state).reason, state.upcoming_sleep)
        if before_pause:
            before_pause(_fault(state), state.upcoming_sleep)

    return AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, Fault) and error.retryable),
        wait=_pause_seconds,
        stop=stop_after_attempt(retries + 1),
        before_sleep=report,
        reraise=True,
    )


def _fault(state: RetryCallState) -> Fault:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Fault)
    return error


def _pause_seconds(state: RetryCallState) -> float:
    from tenacity import wait_exponential

    requested = _fault(state).wait_seconds
    if requested is not None:
        return requested
    return wait_exponential(multiplier=FIRST_PAUSE_SECONDS, max=_MAX_PAUSE_SECONDS)(state)
