"""Distributions of one statistic among reference rows and requests, counted by pattern."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Members = NDArray[np.float64]
Side = Literal["both", "up_to", "above"]

_QUANTILES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)


@dataclass(frozen=True)
class Distribution:
    """Counts of both sides.

    A pattern is what one row has: an intent or several, an interval of lengths. All tests are on
    sums of pattern counts, so exchanging rows between the sides is drawing pattern counts.

    Attributes:
        reference: Rows of the reference with each pattern: shape (patterns,).
        requests: Requests with each pattern: shape (patterns,).
        cells: Names of the parts that are shown and that the stability index compares.
        members: Whether a pattern is in a cell, 0 or 1: shape (cells, patterns).
        tested: Names of the shares that are tested; a cell, or one side of a threshold.
        tests: Whether a pattern is in a tested share, 0 or 1: shape (tested, patterns).
        growth_only: Whether only a share that is larger among requests counts.
    """

    reference: Counts
    requests: Counts
    cells: list[str]
    members: Members
    tested: list[str]
    tests: Members
    growth_only: bool = False

    @classmethod
    def of_labels(
        cls,
        reference: Sequence[tuple[str, ...]],
        requests: Sequence[tuple[str, ...]],
        *,
        growth_only: bool = False,
    ) -> Distribution:
        """Labels, of which a row may have several or none.

        Args:
            reference: Labels of each row.
            requests: Labels of each request.
            growth_only: Whether only a label that is more frequent among requests counts.

        Example:
            >>> found = Distribution.of_labels([("a",), ("a", "b")], [("b",)])
            >>> found.cells, (found.members @ found.reference).tolist()
            (['a', 'b'], [2.0, 1.0])
        """
        left, right = Counter(reference), Counter(requests)
        patterns = sorted({*left, *right})
        names = sorted({name for pattern in patterns for name in pattern})
        number = {name: at for at, name in enumerate(names)}
        members = np.zeros((len(names), len(patterns)))
        for at, pattern in enumerate(patterns):
            for name in pattern:
                members[number[name], at] = 1
        return cls(
            np.array([left[pattern] for pattern in patterns], np.int64),
            np.array([right[pattern] for pattern in patterns], np.int64),
            names,
            members,
            names,
            members,
            growth_only,
        )

    @classmethod
    def of_numbers(
        cls, reference: Sequence[float], requests: Sequence[float], side: Side = "both"
    ) -> Distribution:
        """Numbers, cut at quantiles of both sides together, more finely at the ends.

        Args:
            reference: A number a row.
            requests: A number a request.
            side: The share that has to grow to count: that of numbers up to a threshold, that of
                numbers above one, or either.
        """
        left, right = np.asarray(reference, np.float64), np.asarray(requests, np.float64)
        both = np.concatenate([left, right])
        edges = np.unique(np.quantile(both, _QUANTILES, method="inverted_cdf"))
        edges = edges[edges < both.max()]
        bins = len(edges) + 1
        counts = [
            np.bincount(np.digitize(it, edges, right=True), None, bins) for it in (left, right)
        ]
        texts = [f"{edge:.4g}" for edge in edges]
        return cls(
            counts[0].astype(np.int64),
            counts[1].astype(np.int64),
            _intervals(texts),
            np.eye(bins),
            [f"{'above' if side == 'above' else 'up to'} {text}" for text in texts],
            _tails(bins, side),
            side != "both",
        )

    @property
    def sizes(self) -> tuple[int, int]:
        """Number of reference rows and of requests."""
        return int(self.reference.sum()), int(self.requests.sum())


def _intervals(edges: list[str]) -> list[str]:
    if not edges:
        return ["all"]
    between = [f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"up to {edges[0]}", *between, f"above {edges[-1]}"]


def _tails(bins: int, side: Side) -> Any:
    """The bins on one side of each threshold: shape (bins - 1, bins)."""
    up_to = np.tri(bins - 1, bins)
    return 1 - up_to if side == "above" else up_to
