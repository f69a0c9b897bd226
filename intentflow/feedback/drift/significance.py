"""Population stability index with bootstrap intervals, and permutation tests of shares.

SciPy's ``permutation_test`` exchanges rows, which takes minutes for 100,000 of them. Here rows
with one pattern are alike, so the counts of an exchange are a draw from the multivariate
hypergeometric distribution: the same test, as exact, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intentflow.feedback.drift.distribution import Counts, Distribution

Floats = NDArray[np.float64]

MIN_EXCHANGES = 1_999
_RESAMPLES = 1_000
_DRAWS_AT_ONCE = 500
_CELLS_AT_ONCE = 4_000_000  # draws times patterns
_SMOOTHING = 0.5  # added to each count, so that an empty cell has a finite index


@dataclass(frozen=True)
class Difference:
    """The difference between reference rows and requests in one statistic.

    Attributes:
        psi: Population stability index, less its mean without drift; not below 0.
        interval: 95 % interval of it.
        psi_without_drift: Mean of the index under exchange of rows.
        p_value: p-value of the largest difference of all tested shares.
        reference: Share of the reference rows in each cell.
        requests: Share of the requests in each cell.
        cell_psi: Index of each cell against all others, likewise corrected.
        cell_intervals: 95 % intervals of these: shape (cells, 2).
        tested_reference: Share of the reference rows in each tested share.
        tested_requests: Share of the requests likewise.
        tested_p_values: Adjusted for all tested shares (Westfall and Young 1993).
    """

    psi: float
    interval: tuple[float, float]
    psi_without_drift: float
    p_value: float
    reference: Floats
    requests: Floats
    cell_psi: Floats
    cell_intervals: Floats
    tested_reference: Floats
    tested_requests: Floats
    tested_p_values: Floats


def difference(counts: Distribution, seed: int = 0, exchanges: int = MIN_EXCHANGES) -> Difference:
    """Compare both sides.

    Args:
        counts: Distributions of the statistic; neither side is empty.
        seed: Seed of the draws.
        exchanges: Number of draws of the permutation test: no p-value is below its reciprocal.

    Example:
        >>> import numpy as np
        >>> same = Distribution.of_labels([("a",), ("b",)] * 200, [("a",), ("b",)] * 200)
        >>> other = Distribution.of_labels([("a",), ("b",)] * 200, [("a",)] * 400)
        >>> difference(same).p_value, difference(other).p_value
        (1.0, 0.0005)
    """
    generator = np.random.default_rng(seed)
    p_values, mean = _under_exchange(counts, generator, exchanges)
    found, interval = _index(counts, mean, generator)
    left, right = counts.sizes
    return Difference(
        psi=float(found[0]),
        interval=(float(interval[0, 0]), float(interval[0, 1])),
        psi_without_drift=float(mean[0]),
        p_value=float(p_values.min(initial=1.0)),
        reference=counts.members @ counts.reference / left,
        requests=counts.members @ counts.requests / right,
        cell_psi=found[1:],
        cell_intervals=interval[1:],
        tested_reference=counts.tests @ counts.reference / left,
        tested_requests=counts.tests @ counts.requests / right,
        tested_p_values=p_values,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that all together keep the error rate (Holm 1979).

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=lambda one: p_values[one])):
        largest = max(largest, min(1.0, p_values[at] * (len(p_values) - rank)))
        adjusted[at] = largest
    return adjusted


def _under_exchange(
    counts: Distribution, generator: np.random.Generator, exchanges: int
) -> tuple[Floats, Floats]:
    """p-values of the tested shares, and means of the indices, when rows are exchanged."""
    total = counts.reference + counts.requests
    clearest, indices = [], []
    for size in _blocks(exchanges, len(total)):
        requests = generator.multivariate_hypergeometric(
            total, counts.sizes[1], size, method="marginals"
        )
        clearest.append(_deviance(counts, requests).max(1, initial=0.0))
        if len(clearest) == 1:  # some hundred draws give a mean
            indices.append(_psi(counts, total - requests, requests))
    return _p_values(counts, np.sort(np.concatenate(clearest))), np.concatenate(indices).mean(0)


def _blocks(draws: int, patterns: int) -> Iterator[int]:
    """Numbers of draws at a time, so that memory is bounded."""
    size = max(1, min(_DRAWS_AT_ONCE, _CELLS_AT_ONCE // patterns))
    for start in range(0, draws, size):
        yield min(size, draws - start)


def _p_values(counts: Distribution, clearest: Floats) -> Floats:
    """Of each tested share: how often any share differs as clearly after an exchange."""
    observed = _deviance(counts, counts.requests[None])[0]
    # Sums of floats in another order differ in the last digits.
    as_clear = len(clearest) - np.searchsorted(clearest, observed * (1 - 1e-9) - 1e-9)
    p_values: Floats = (1 + as_clear) / (len(clearest) + 1)
    return p_values


def _deviance(counts: Distribution, requests: Counts) -> Floats:
    """Likelihood ratio of each tested share between the sides: shape (draws, tested).

    Unlike a standardised difference, its size means the same for rare and for common shares.
    """
    left, right = counts.sizes
    inside = requests @ counts.tests.T
    total = counts.tests @ (counts.reference + counts.requests)
    found = _log_likelihood(inside, right) + _log_likelihood(total - inside, left)
    found = 2 * (found - _log_likelihood(total, left + right))
    if counts.growth_only:
        found = np.where(inside * left > (total - inside) * right, found, 0.0)
    bounded: Floats = np.maximum(found, 0.0)
    return bounded


def _log_likelihood(inside: Floats, size: int) -> Any:
    from scipy.special import xlogy

    return xlogy(inside, inside / size) + xlogy(size - inside, (size - inside) / size)


def _index(
    counts: Distribution, mean: Floats, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """The index over all cells, then of each cell: corrected, and its interval.

    The interval is the basic bootstrap's (Davison and Hinkley 1997), which corrects for the
    index's bias, that sampling alone makes differences; its middle is about the corrected index.
    """
    observed = _psi(counts, counts.reference[None], counts.requests[None])[0]
    left, right = counts.sizes
    resampled = np.concatenate(
        [
            _psi(
                counts,
                generator.multinomial(left, counts.reference / left, size),
                generator.multinomial(right, counts.requests / right, size),
            )
            for size in _blocks(_RESAMPLES, len(counts.reference))
        ]
    )
    low, high = np.quantile(resampled, [0.975, 0.025], axis=0)
    interval = np.maximum(np.stack([2 * observed - low, 2 * observed - high], -1), 0.0)
    return np.maximum(observed - mean, 0.0), interval


def _psi(counts: Distribution, reference: Counts, requests: Counts) -> Floats:
    """Index over all cells and of each: shape (draws, 1 + cells)."""
    inside = [drawn @ counts.members.T + _SMOOTHING for drawn in (reference, requests)]
    shares = [part / part.sum(1, keepdims=True) for part in inside]
    overall = ((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum(1, keepdims=True)
    rates = [
        np.minimum(part / (size + 2 * _SMOOTHING), 1 - 1e-9)
        for part, size in zip(inside, counts.sizes, strict=True)
    ]
    odds = [np.log(rate / (1 - rate)) for rate in rates]
    single = (rates[1] - rates[0]) * (odds[1] - odds[0])
    return np.concatenate([overall, single], 1)
