"""Significance of a rate, or of a difference between two models on the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from intentflow.evaluation.mcnemar import Paired

_TOLERANCE = 1e-15  # tolerance of a root


def lower_bound(pair: Paired, confidence: float) -> float:
    """One-sided lower confidence bound of a paired difference: Tango's score interval.

    Tango, Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design, Statistics in Medicine 17 (1998). An additional gained or one less lost
    row never lowers it.

    Args:
        pair: Rows that only one of two models has right; the difference is the first's share of
            right rows minus the second's.
        confidence: Confidence level, above 0.5 and below 1.
    """
    from scipy.optimize import bisect

    wanted = NormalDist().inv_cdf(confidence)

    def above(supposed: float) -> float:
        return _standard_errors_above(pair, supposed) - wanted

    low, high = -1.0, difference(pair)
    if low == high or above(low) <= 0:
        return low
    return float(bisect(above, low, high, xtol=_TOLERANCE))


def interval(pair: Paired, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided interval of a paired difference, by the same method as the lower bound."""
    side = (1 + confidence) / 2
    mirrored = Paired(gained=pair.lost, lost=pair.gained, n=pair.n)
    return lower_bound(pair, side), -lower_bound(mirrored, side)


def difference(pair: Paired) -> float:
    """The first model's share of right rows minus the second's."""
    return (pair.gained - pair.lost) / pair.n


def loss_p_value(pair: Paired) -> float:
    """P-value of the first model not being worse: McNemar's exact test, one-sided."""
    from scipy.stats import binom

    return float(binom.sf(pair.lost - 1, pair.gained + pair.lost, 0.5))


def unpaired_loss_p_value(ours: int, theirs: int, n: int) -> float:
    """P-value of the first model not being worse: one-sided Fisher's exact test on counts.

    For two models on the same rows it is conservative, because it does not know which rows agree.

    Args:
        ours: Number of rows that the first model has right, of ``n``.
        theirs: Number of rows that the second has right, of the same ``n``.
        n: Number of rows.
    """
    from scipy.stats import hypergeom

    return float(hypergeom.cdf(ours, 2 * n, ours + theirs, n))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for multiple tests (Holm 1979), in the given order.

    Example:
        >>> holm([0.01, 0.04])
        [0.02, 0.04]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def _standard_errors_above(pair: Paired, supposed: float) -> float:
    """Distance of the observed difference above a supposed one, in standard errors."""
    n, gained, lost = pair.n, pair.gained, pair.lost
    linear = (2 * n - gained + lost) * supposed - gained - lost
    constant = -lost * supposed * (1 - supposed)
    # The most likely share of lost rows, if the supposed difference were true.
    share = (math.sqrt(max(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
    variance = n * (2 * share + supposed * (1 - supposed))
    above = gained - lost - n * supposed
    if not above:
        return 0.0
    return above / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, above)
