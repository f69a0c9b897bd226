"""Bootstrap intervals against those of an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from intentflow.evaluation.bootstrap import bootstrap_intervals


@pytest.mark.parametrize("size", [2, 37, 400])
def test_a_rate_has_the_percentile_interval_of_scipy(size: int) -> None:
    flags = np.random.default_rng(1).random(size) < 0.8
    theirs = bootstrap(
        (flags.astype(float),),
        np.mean,
        n_resamples=1000,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(7),
    ).confidence_interval
    ours = bootstrap_intervals(size, {"rate": list(flags)}, {}, {}, seed=7)["rate"]
    assert ours == pytest.approx([theirs.low, theirs.high], abs=1e-12)


def test_a_single_row_has_an_interval_without_width() -> None:
    assert bootstrap_intervals(1, {"rate": [True]}, {}, {}) == {"rate": [1.0, 1.0]}


def test_resamples_that_leave_a_ratio_undefined_do_not_count() -> None:
    ratio = ([True, False, False], [True, False, False])
    assert bootstrap_intervals(3, {}, {"ratio": ratio}, {}) == {"ratio": [1.0, 1.0]}
