"""Stability index, intervals and p-values, against values counted in another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import fisher_exact

from intentflow.feedback.drift.distribution import Distribution
from intentflow.feedback.drift.significance import difference, holm


def _labels(counts: dict[str, int]) -> list[tuple[str, ...]]:
    return [(name,) for name, count in counts.items() for _ in range(count)]


def test_a_test_of_two_shares_has_the_p_value_of_fishers_exact_test() -> None:
    left, right = {"a": 30, "b": 70}, {"a": 45, "b": 55}
    found = difference(Distribution.of_labels(_labels(left), _labels(right)), exchanges=20_000)
    exact = fisher_exact([[30, 70], [45, 55]]).pvalue
    assert found.p_value == pytest.approx(exact, abs=0.004)


def test_the_index_is_the_sum_over_cells() -> None:
    left, right = {"a": 5_000, "b": 5_000}, {"a": 6_000, "b": 4_000}
    found = difference(Distribution.of_labels(_labels(left), _labels(right)))
    index = 0.1 * math.log(0.6 / 0.5) - 0.1 * math.log(0.4 / 0.5)
    assert found.psi == pytest.approx(index, abs=0.001)


def test_the_index_of_equal_sides_is_zero() -> None:
    assert difference(Distribution.of_labels(*[_labels({"a": 50, "b": 50})] * 2)).psi == 0.0


def test_intervals_contain_the_true_index_as_often_as_they_state() -> None:
    generator = np.random.default_rng(1)
    shares = np.array([[0.5, 0.3, 0.2], [0.3, 0.3, 0.4]])
    true = ((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum()
    inside = 0
    for seed in range(100):
        sides = [
            _labels(dict(zip("abc", generator.multinomial(400, row).tolist(), strict=True)))
            for row in shares
        ]
        low, high = difference(Distribution.of_labels(*sides), seed, 200).interval
        inside += low <= true <= high
    assert inside >= 88  # 95 expected; fewer than 88 has a probability below 1 in 300


def test_a_share_that_only_shrank_is_no_growth() -> None:
    sides = [("x",)] * 50 + [()] * 50, [("x",)] * 5 + [()] * 95
    assert difference(Distribution.of_labels(*sides, growth_only=True)).p_value == 1.0
    assert difference(Distribution.of_labels(*sides)).p_value < 0.01


def test_a_row_of_several_labels_counts_for_each() -> None:
    found = difference(Distribution.of_labels([("a", "b")] * 30 + [("a",)] * 10, [("b",)] * 40))
    assert (found.reference.tolist(), found.requests.tolist()) == ([1.0, 0.75], [0.0, 1.0])


def test_thresholds_look_at_the_tails() -> None:
    middle = [float(number) for number in range(500)]
    tail = middle[:475] + [-1.0] * 25
    found = Distribution.of_numbers(middle, tail, "up_to")
    assert difference(found).p_value < 0.005
    assert found.tested[0] == "up to -1"


def test_numbers_that_are_all_equal_do_not_differ() -> None:
    found = Distribution.of_numbers([1.0] * 50, [1.0] * 50)
    assert (found.cells, difference(found).p_value) == (["all"], 1.0)


def test_p_values_are_adjusted_in_their_order() -> None:
    assert holm([0.04, 0.01, 0.5]) == pytest.approx([0.08, 0.03, 0.5])


def test_large_counts_take_no_longer_than_small_ones() -> None:
    left, right = {"a": 500_000, "b": 500_000}, {"a": 501_000, "b": 499_000}
    counts = Distribution(
        np.array(list(left.values())),
        np.array(list(right.values())),
        ["a", "b"],
        np.eye(2),
        ["a", "b"],
        np.eye(2),
    )
    assert difference(counts).p_value > 0.05
