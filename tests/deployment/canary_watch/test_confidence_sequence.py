"""Confidence sequences: how often they are wrong when one looks after each batch, by simulation."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from intentflow.deployment.canary_watch.confidence_sequence import (
    Counted,
    difference_interval,
    rate_interval,
)
from intentflow.deployment.canary_watch.judgement import Decision, ModelCounts, WatchCounts, judge
from intentflow.deployment.canary_watch.limits import WatchLimits

RUNS, LOOKS, BATCH = 200, 40, 50
STABLE = {"errors": 0.02, "slow": 0.1, "out_of_scope": 0.15}
EQUAL = WatchLimits(
    min_requests=500, max_error_increase=0, max_slow_increase=0, max_out_of_scope_increase=0
)


class _Model:
    """A model whose answers are drawn."""

    def __init__(self, draw: random.Random, rates: dict[str, float]) -> None:
        self._draw, self._rates = draw, rates
        self._hits: Counter[str] = Counter()
        self._trials = 0

    def counts(self, more: int) -> ModelCounts:
        """The counts after so many more requests."""
        self._trials += more
        for name, rate in self._rates.items():
            self._hits[name] += sum(self._draw.random() < rate for _ in range(more))
        return ModelCounts(**{name: Counted(self._hits[name], self._trials) for name in STABLE})


def _decisions(changed: dict[str, float], limits: WatchLimits) -> Counter[Decision | None]:
    """The decisions of many watches, each with a look after every batch until it decides."""
    found: Counter[Decision | None] = Counter()
    for seed in range(RUNS):
        draw = random.Random(seed)
        stable, canary = _Model(draw, STABLE), _Model(draw, STABLE | changed)
        decision: Decision | None = None
        for _ in range(LOOKS):
            counts = WatchCounts(stable.counts(BATCH), canary.counts(BATCH), Counted(0, 0))
            decision = judge(counts, limits).decision
            if decision:
                break
        found[decision] += 1
    return found


def test_equal_models_are_found_worse_in_at_most_one_of_twenty_watches() -> None:
    assert _decisions({}, EQUAL)["roll back"] <= RUNS * EQUAL.alpha


def test_model_at_its_limit_is_promoted_in_at_most_one_of_twenty_watches() -> None:
    limits = WatchLimits(
        min_requests=100,
        max_error_increase=0.05,
        max_slow_increase=0.3,
        max_out_of_scope_increase=0.3,
    )
    at_limit = {"errors": STABLE["errors"] + limits.max_error_increase}
    assert _decisions(at_limit, limits)["promote"] <= RUNS * limits.alpha


@pytest.mark.parametrize(
    "worse", [{"errors": 0.15}, {"slow": 0.35}, {"out_of_scope": 0.4}], ids=str
)
def test_planted_difference_is_found(worse: dict[str, float]) -> None:
    assert _decisions(worse, WatchLimits())["roll back"] >= 0.95 * RUNS


def test_good_model_is_promoted() -> None:
    limits = WatchLimits(
        min_requests=500,
        max_error_increase=0.05,
        max_slow_increase=0.1,
        max_out_of_scope_increase=0.1,
    )
    assert _decisions({}, limits)["promote"] >= 0.9 * RUNS


def test_all_intervals_of_a_sequence_have_the_rate_in_19_of_20_sequences() -> None:
    rate, missed = 0.1, 0
    for seed in range(RUNS):
        draw, hits = random.Random(seed), 0
        for trials in range(1, 401):
            hits += draw.random() < rate
            found = rate_interval(Counted(hits, trials), 0.05)
            if not found.low <= rate <= found.high:
                missed += 1
                break
    assert missed <= RUNS * 0.05


@pytest.mark.parametrize("hits", [0, 1, 50, 99, 100])
def test_interval_has_the_observed_rate(hits: int) -> None:
    found = rate_interval(Counted(hits, 100), 0.05)
    assert 0 <= found.low <= hits / 100 <= found.high <= 1


def test_more_trials_narrow_the_interval() -> None:
    widths = [
        found.high - found.low
        for found in (rate_interval(Counted(n // 10, n), 0.05) for n in (10, 100, 1000, 10_000))
    ]
    assert widths == sorted(widths, reverse=True)


def test_nothing_is_known_without_trials() -> None:
    found = difference_interval(Counted(0, 0), Counted(0, 0), 0.05)
    assert (found.low, found.high) == (-1, 1)


def test_too_few_requests_decide_on_no_promotion() -> None:
    some = ModelCounts(Counted(0, 900), Counted(0, 900), Counted(0, 900))
    assert judge(WatchCounts(some, some, Counted(0, 0)), WatchLimits()).decision is None


def test_disagreement_above_its_limit_decides() -> None:
    some = ModelCounts(Counted(0, 5000), Counted(0, 5000), Counted(0, 5000))
    limits = WatchLimits(max_disagreement=0.1)
    found = [
        judge(WatchCounts(some, some, Counted(hits, 5000)), limits).decision for hits in (1000, 100)
    ]
    assert found == ["roll back", "promote"]


def test_time_between_the_bounds_of_the_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of the metric's bounds"):
        WatchLimits(slow_seconds=0.7)
