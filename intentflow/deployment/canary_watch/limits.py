"""Limits of a watch: when a canary is good enough, or worse."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from intentflow.config import StrictModel
from intentflow.openai_api.answer_times import ANSWER_BUCKETS

Increase = Annotated[float, Field(ge=0, lt=1)]


class WatchLimits(StrictModel):
    """Limits of a canary, and of the time for which it is watched.

    Example:
        >>> WatchLimits(min_requests=500, slow_seconds=2.5).max_hours
        24.0
    """

    min_requests: int = Field(
        1000, ge=1, description="Answers of the canary before it can be promoted"
    )
    max_hours: float = Field(
        24.0, gt=0, le=720, description="Hours after which an undecided canary is taken away"
    )
    interval_seconds: float = Field(
        60.0, gt=0, le=3600, description="Seconds between two looks at Prometheus"
    )
    alpha: float = Field(
        0.05,
        gt=0,
        le=0.5,
        description="Probability of a wrong decision, however often the metrics are looked at",
    )
    max_error_increase: Increase = Field(
        0.01, description="Tolerated increase of the share of requests without an answer"
    )
    slow_seconds: float = Field(
        1.0, description="Seconds above which an answer is slow: a bound of the metric's buckets"
    )
    max_slow_increase: Increase = Field(
        0.05, description="Tolerated increase of the share of slow answers"
    )
    max_out_of_scope_increase: Increase = Field(
        0.05, description="Tolerated increase of the share of answers out of scope"
    )
    max_disagreement: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="Tolerated share of answers that differ, of a canary that gets copies "
        "(shadow_percent); unless set, they are reported only",
    )

    @field_validator("slow_seconds")
    @classmethod
    def _is_a_bucket(cls, seconds: float) -> float:
        if seconds not in ANSWER_BUCKETS:
            listed = ", ".join(f"{bound:g}" for bound in ANSWER_BUCKETS)
            raise ValueError(f"{seconds:g} is not one of the metric's bounds: {listed}")
        return seconds
