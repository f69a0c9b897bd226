"""Corrections joined with their requests by id, and put in order of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from intentflow.feedback.service_log import (
    RequestKey,
    ServiceLog,
    TimedCorrection,
    TimedRequest,
)

_FUTURE = timedelta(minutes=5)
"""Difference of clocks that is not worth mentioning."""


@dataclass(frozen=True)
class JoinedCorrection:
    """A correction with its request.

    Attributes:
        correction: The correction; its time is not before its request's.
        request: The request; None if it was not logged, or has another utterance.
        skew: Time by which the correction was dated before its request; zero if it was not.
        in_future: Whether it is dated after the time of reading.
    """

    correction: TimedCorrection
    request: TimedRequest | None
    skew: timedelta
    in_future: bool

    @property
    def prediction(self) -> str | None:
        """The model's answer as logged, otherwise as the client has stated it; None if unknown."""
        return self.request.line.prediction if self.request else self.correction.line.prediction


@dataclass(frozen=True)
class Joined:
    """All corrections of a log.

    Attributes:
        corrections: Corrections in the order in which they count, the decisive one last.
        other_utterance: Number of those whose id is known with other utterances only.
    """

    corrections: list[JoinedCorrection]
    other_utterance: int


def join(log: ServiceLog, now: datetime) -> Joined:
    """Join corrections with the requests that they name.

    A correction is ordered by its time, but never before its request, whose clock may be another
    pod's. One that is dated after ``now`` cannot be ordered, and comes before all others.

    Args:
        log: Requests and corrections.
        now: Time of reading, with a time zone.
    """
    asked = log.asked
    ids = {request_id for request_id, _ in asked}
    joined = [_joined(one, asked, now) for one in log.corrections]
    joined.sort(key=lambda one: (not one.in_future, one.correction.time))  # stable
    strange = [one for one in joined if not one.request and one.correction.line.request_id in ids]
    return Joined(joined, len(strange))


def _joined(
    correction: TimedCorrection, requests: Mapping[RequestKey, TimedRequest], now: datetime
) -> JoinedCorrection:
    request = requests.get((correction.line.request_id, correction.utterance))
    skew = max(request.time - correction.time, timedelta(0)) if request else timedelta(0)
    dated = replace(correction, time=correction.time + skew)
    return JoinedCorrection(dated, request, skew, dated.time > now + _FUTURE)
