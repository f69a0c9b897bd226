"""The numbers behind a comparison."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.evaluation.mcnemar import Paired
from intentflow.gating.significance import (
    difference,
    holm,
    interval,
    loss_p_value,
    lower_bound,
    unpaired_loss_p_value,
)


def _pair(gained: int, lost: int, n: int) -> Paired:
    return Paired(gained=gained, lost=lost, n=n)


def _standard_errors_above(pair: Paired, supposed: float) -> float:
    """Tango's statistic, its nuisance parameter by trying 20,000 values of it."""

    def likelihood(lost: float) -> float:
        cells = (pair.gained, lost + supposed), (pair.lost, lost)
        rest = pair.n - pair.gained - pair.lost, 1 - 2 * lost - supposed
        return sum(seen * math.log(share) for seen, share in (*cells, rest) if seen)

    low, high = max(0.0, -supposed), (1 - supposed) / 2
    tried = [low + (high - low) * (i + 0.5) / 20000 for i in range(20000)]
    lost = max(tried, key=likelihood)
    variance = (2 * lost + supposed - supposed**2) / pair.n
    return (difference(pair) - supposed) / math.sqrt(variance)


@pytest.mark.parametrize(
    ("gained", "lost", "n"), [(8, 9, 350), (0, 5, 60), (12, 2, 40), (30, 40, 80)]
)
def test_the_bound_is_where_the_score_test_would_just_reject(
    gained: int, lost: int, n: int
) -> None:
    pair = _pair(gained, lost, n)
    found = _standard_errors_above(pair, lower_bound(pair, 0.95))
    assert found == pytest.approx(NormalDist().inv_cdf(0.95), abs=0.005)


def test_the_bound_of_equal_answers_is_that_of_no_lost_row() -> None:
    z = NormalDist().inv_cdf(0.95)
    assert lower_bound(_pair(0, 0, 350), 0.95) == pytest.approx(-(z**2) / (350 + z**2))


def test_the_interval_is_the_others_mirrored() -> None:
    low, high = interval(_pair(9, 4, 100))
    assert interval(_pair(4, 9, 100)) == pytest.approx((-high, -low))


@pytest.mark.parametrize("confidence", [0.6, 0.95, 0.999])
def test_one_row_more_right_never_lowers_the_bound(confidence: float) -> None:
    """Every count of up to 25 rows."""
    lower = [
        (n, gained, lost)
        for n in range(1, 26)
        for gained in range(n + 1)
        for lost in range(n + 1 - gained)
    ]
    bounds = {key: lower_bound(_pair(key[1], key[2], key[0]), confidence) for key in lower}
    worse = [
        key
        for key in lower
        for better in [(key[0], key[1] + 1, key[2]), (key[0], key[1], key[2] - 1)]
        if bounds.get(better, 1.0) < bounds[key] - 1e-12
    ]
    assert worse == []


@given(st.integers(0, 300), st.integers(1, 300), st.integers(0, 3000))
def test_one_row_more_right_never_lowers_the_bound_of_many_rows(
    gained: int, lost: int, rest: int
) -> None:
    n = gained + lost + rest
    bound = lower_bound(_pair(gained, lost, n), 0.95)
    assert lower_bound(_pair(gained, lost - 1, n), 0.95) >= bound - 1e-12
    assert lower_bound(_pair(gained + 1, lost, n + 1 if rest == 0 else n), 0.95) >= bound - 1e-12


@pytest.mark.parametrize(
    ("gained", "lost", "p_value"), [(0, 0, 1.0), (0, 5, 1 / 32), (5, 0, 1.0), (1, 2, 0.5)]
)
def test_the_chance_of_so_many_lost_rows_is_exact(gained: int, lost: int, p_value: float) -> None:
    assert loss_p_value(_pair(gained, lost, 100)) == pytest.approx(p_value)


def test_the_test_by_counts_is_fishers() -> None:
    # Fisher's lady, mirrored: 1 of 4 cups right against 3 of 4.
    assert unpaired_loss_p_value(1, 3, 4) == pytest.approx(17 / 70)


@given(st.integers(1, 40), st.data())
def test_one_row_more_right_never_makes_a_fall_surer(n: int, data: st.DataObject) -> None:
    ours, theirs = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n))
    fewer = unpaired_loss_p_value(ours, theirs, n)
    assert unpaired_loss_p_value(ours + 1, theirs, n) >= fewer - 1e-12


def test_several_tests_ask_for_more_evidence() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.data())
def test_a_larger_p_value_makes_no_other_surer(values: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    larger = [data.draw(st.floats(v, 1)) if i == place else v for i, v in enumerate(values)]
    assert all(b >= a - 1e-12 for a, b in zip(holm(values), holm(larger), strict=True))
