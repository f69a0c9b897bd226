"""Confidence sequences of a rate: intervals that hold at all times at once.

Robbins' method of mixtures: for Bernoulli trials with rate p, the beta-binomial mixture likelihood
over the likelihood of p is a martingale that starts at 1, so that by Ville's inequality it ever
reaches 1/alpha with probability at most alpha. The rates at which it has not are a confidence
sequence: however often one looks, and whenever one stops, all intervals contain the rate with
probability 1 - alpha. Sources: Robbins, *Statistical methods related to the law of the iterated
logarithm*, Ann. Math. Stat. 41 (1970); Howard, Ramdas, McAuliffe and Sekhon, *Time-uniform,
nonparametric, nonasymptotic confidence sequences*, Ann. Stat. 49 (2021); Johari, Koomen, Pekelis
and Walsh, *Always valid inference*, Oper. Res. 70 (2022).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma, log, log1p

_PRIOR = 0.5
"""Both parameters of the beta mixture: any gives valid intervals, this one fits rates near 0."""
_HALVINGS = 40
"""Edges are exact to 1e-12."""


@dataclass(frozen=True)
class Counted:
    """Trials of one model.

    Attributes:
        hits: Trials with the event, such as failures.
        trials: All trials.

    Example:
        >>> Counted(3, 12).rate
        0.25
    """

    hits: int
    trials: int

    @property
    def rate(self) -> float:
        """Share of hits; 0 without trials."""
        return self.hits / self.trials if self.trials else 0.0


@dataclass(frozen=True)
class Interval:
    """Bounds of a rate, or of a difference of rates.

    Attributes:
        low: Lower bound.
        high: Upper bound.
    """

    low: float
    high: float


def rate_interval(counted: Counted, alpha: float) -> Interval:
    """The interval of a rate at this time.

    Args:
        counted: Trials so far.
        alpha: Probability that any of the intervals of a sequence misses the rate, in (0, 1).

    Example:
        >>> found = rate_interval(Counted(10, 1000), 0.05)
        >>> round(found.low, 4), round(found.high, 4)
        (0.0024, 0.0262)
    """
    hits, misses = counted.hits, counted.trials - counted.hits
    if not counted.trials:
        return Interval(0.0, 1.0)
    mixture = _log_beta(_PRIOR + hits, _PRIOR + misses) - _log_beta(_PRIOR, _PRIOR)
    min_likelihood = mixture + log(alpha)

    def is_inside(rate: float) -> bool:
        return hits * log(rate) + misses * log1p(-rate) > min_likelihood

    low = _edge(is_inside, counted.rate, 0.0) if hits else 0.0
    high = _edge(is_inside, counted.rate, 1.0) if misses else 1.0
    return Interval(low, high)


def difference_interval(first: Counted, second: Counted, alpha: float) -> Interval:
    """The interval of the second rate minus the first one, at this time.

    Args:
        first: Trials of one model.
        second: Trials of the other one.
        alpha: Probability that any of the intervals misses the difference; half for each rate.

    Example:
        >>> difference_interval(Counted(0, 0), Counted(0, 0), 0.05)
        Interval(low=-1.0, high=1.0)
    """
    one, other = (rate_interval(counted, alpha / 2) for counted in (first, second))
    return Interval(other.low - one.high, other.high - one.low)


def _edge(is_inside: Callable[[float], bool], inside: float, outside: float) -> float:
    """The edge between a rate inside and one outside, by halving; the outer side of it."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if is_inside(middle):
            inside = middle
        else:
            outside = middle
    return outside


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
