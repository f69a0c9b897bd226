"""The score interval of a share of rows."""

from __future__ import annotations

from itertools import pairwise

import pytest

from intentflow.evaluation.wilson import wilson_interval


def test_a_share_of_rows_has_wilsons_interval() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, method 3.
    assert wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_all_rows_right_is_not_certainty() -> None:
    assert wilson_interval(1.0, 20) == pytest.approx((0.8389, 1.0), abs=5e-5)


def test_one_row_more_right_raises_both_ends() -> None:
    ends = [wilson_interval(right / 200, 200) for right in range(201)]
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(ends[:-8]))
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(ends))
