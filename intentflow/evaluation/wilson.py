"""The score interval of a share of rows."""

from __future__ import annotations


def wilson_interval(rate: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided score interval of a share of ``n`` rows (Wilson 1927).

    Unlike the bootstrap's it has a width if every row is right, and a better rate always has better
    ends.
    """
    from scipy.stats import binomtest

    found = binomtest(round(rate * n), n).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)
