"""Judgement: whether the counts so far show that a canary is worse, or good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from intentflow.deployment.canary_watch.confidence_sequence import (
    Counted,
    Interval,
    difference_interval,
    rate_interval,
)
from intentflow.deployment.canary_watch.limits import WatchLimits

Decision = Literal["promote", "roll back"]
State = Literal["worse", "good", "open"]


@dataclass(frozen=True)
class ModelCounts:
    """Counts of one model since the watch began.

    Attributes:
        errors: Requests without an answer, of all.
        slow: Slow answers, of all answers.
        out_of_scope: Answers out of scope, of all answers.
    """

    errors: Counted
    slow: Counted
    out_of_scope: Counted


@dataclass(frozen=True)
class WatchCounts:
    """Counts of both models since the watch began.

    Attributes:
        stable: The model in service.
        canary: The canary.
        disagreement: Answers of the canary that differ, of those that were compared.
    """

    stable: ModelCounts
    canary: ModelCounts
    disagreement: Counted


@dataclass(frozen=True)
class Criterion:
    """One limit and what is known about it.

    Attributes:
        name: ``errors``, ``slow``, ``out_of_scope`` or ``disagreement``.
        stable: Trials of the model in service; None for a rate of the canary alone.
        canary: Trials of the canary.
        interval: Bounds of the increase, or of the rate.
        limit: Tolerated increase, or rate.
    """

    name: str
    stable: Counted | None
    canary: Counted
    interval: Interval
    limit: float

    @property
    def state(self) -> State:
        """Whether the limit is exceeded, kept, or neither is shown yet."""
        if self.interval.low > self.limit:
            return "worse"
        return "good" if self.interval.high <= self.limit else "open"

    def __str__(self) -> str:
        """One line with the rates and the bounds."""
        before = f"{self.stable.rate:.2%} to " if self.stable else ""
        kind = "increase" if self.stable else "rate"
        return (
            f"{self.name} {before}{self.canary.rate:.2%} ({self.canary.trials} of the canary): "
            f"{kind} between {self.interval.low:.2%} and {self.interval.high:.2%}, "
            f"limit {self.limit:.2%}"
        )


@dataclass(frozen=True)
class Judgement:
    """Findings from the counts so far.

    Attributes:
        criteria: The limits.
        decision: Promotion or rollback; None while nothing is decided.
    """

    criteria: Sequence[Criterion]
    decision: Decision | None


def judge(counts: WatchCounts, limits: WatchLimits) -> Judgement:
    """Judge the counts so far.

    The probability that a canary within its limits is ever found worse is at most ``alpha``, and so
    is that of promoting one outside of them, however often this is called: each limit has its
    share of ``alpha``.

    Args:
        counts: Counts since the watch began.
        limits: The limits.

    Example:
        >>> some = ModelCounts(Counted(0, 9000), Counted(90, 9000), Counted(900, 9000))
        >>> judge(WatchCounts(some, some, Counted(0, 0)), WatchLimits()).decision
        'promote'
    """
    criteria = _criteria(counts, limits)
    states = [criterion.state for criterion in criteria]
    if "worse" in states:
        return Judgement(criteria, "roll back")
    is_enough = counts.canary.errors.trials >= limits.min_requests
    is_good = is_enough and all(state == "good" for state in states)
    return Judgement(criteria, "promote" if is_good else None)


def _criteria(counts: WatchCounts, limits: WatchLimits) -> list[Criterion]:
    pairs = [
        ("errors", counts.stable.errors, counts.canary.errors, limits.max_error_increase),
        ("slow", counts.stable.slow, counts.canary.slow, limits.max_slow_increase),
        (
            "out_of_scope",
            counts.stable.out_of_scope,
            counts.canary.out_of_scope,
            limits.max_out_of_scope_increase,
        ),
    ]
    alpha = limits.alpha / (len(pairs) + (limits.max_disagreement is not None))
    found = [
        Criterion(name, stable, canary, difference_interval(stable, canary, alpha), limit)
        for name, stable, canary, limit in pairs
    ]
    if limits.max_disagreement is not None:
        interval = rate_interval(counts.disagreement, alpha)
        limit = limits.max_disagreement
        found.append(Criterion("disagreement", None, counts.disagreement, interval, limit))
    return found
