"""Counts per row and label, rates computed from them, and bootstrap intervals over rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intentflow.artifacts.answer_scores import IntentScores

_RESAMPLES = 1000
_CELLS = 10_000_000  # resamples times rows at a time, which limits memory

Weights = NDArray[np.float64]
Samples = NDArray[np.float64]
Sampler = Callable[[Weights], Samples]
Flags = Sequence[bool]
Ratio = tuple[Flags, Flags]
"""Whether each row counts in the numerator, and in the denominator."""


def ratio(numerator: float, denominator: float) -> float | None:
    """The quotient, or None if the denominator is 0."""
    return float(numerator) / float(denominator) if denominator else None


@dataclass(frozen=True)
class RowCounts:
    """True positives, predicted and gold counts: sparse arrays of shape (rows, labels).

    They are sparse, because free parameter values make nearly as many labels as there are rows.
    """

    labels: list[Any]
    hits: Any
    predicted: Any
    gold: Any

    @classmethod
    def collect(cls, rows: Sequence[tuple[Counter[Any], Counter[Any]]]) -> RowCounts:
        """Count (gold, predicted) label multisets of every row.

        Labels are the gold ones; all other predictions count under one further label, None, so that
        they lower the overall precision.
        """
        names = sorted({label for gold, _ in rows for label in gold}, key=str)
        index = {label: i for i, label in enumerate(names)}
        shape = (len(rows), len(names) + 1)
        hits, predicted, actual = _Cells(shape), _Cells(shape), _Cells(shape)
        for i, (gold, guess) in enumerate(rows):
            for label, count in gold.items():
                actual.add(i, index[label], count)
                hits.add(i, index[label], min(count, guess[label]))
            for label, count in guess.items():
                predicted.add(i, index.get(label, len(names)), count)
        return cls([*names, None], hits.array(), predicted.array(), actual.array())

    def f1_micro(self) -> float | None:
        """F1 over all labels together; None if there is no gold label that could be found."""
        gold = self.gold.sum()
        return ratio(2 * self.hits.sum(), self.predicted.sum() + gold) if gold else None

    def f1_macro(self) -> float | None:
        """Mean F1 of the labels that occur in the gold answers."""
        scores = _f1(self.hits.sum(0), self.predicted.sum(0), self.gold.sum(0))[:-1]
        return float(scores.mean()) if len(scores) else None

    def sample_f1_micro(self, weights: Weights) -> Samples:
        """F1 over all labels together in each resample; NaN in one without a gold label.

        Args:
            weights: Number of draws of each row: shape (resamples, rows).
        """
        hits, predicted, gold = (
            weights @ cells.sum(1) for cells in (self.hits, self.predicted, self.gold)
        )
        found: Samples = np.where(gold > 0, _f1(hits, predicted, gold), np.nan)
        return found

    def sample_f1_macro(self, weights: Weights) -> Samples:
        """Mean F1, in each resample, of the labels that occur in its gold answers."""
        hits, predicted, gold = (weights @ c for c in (self.hits, self.predicted, self.gold))
        scores, occurring = _f1(hits, predicted, gold)[:, :-1], gold[:, :-1] > 0
        found: Samples = (scores * occurring).sum(1) / np.maximum(occurring.sum(1), 1)
        return found

    def per_label(self) -> dict[str, IntentScores]:
        """Precision, recall, F1 and support of each gold label."""
        table = {}
        sums = zip(self.hits.sum(0), self.predicted.sum(0), self.gold.sum(0), strict=True)
        for label, (hits, predicted, gold) in zip(self.labels, sums, strict=True):
            if label is None:
                continue
            table[str(label)] = IntentScores(
                precision=ratio(hits, predicted),
                recall=ratio(hits, gold),
                f1=ratio(2 * hits, predicted + gold),
                support=int(gold),
                predicted=int(predicted),
                correct=int(hits),
            )
        return table


class _Cells:
    """The non-zero cells of a sparse array."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.rows: list[int] = []
        self.columns: list[int] = []
        self.counts: list[int] = []

    def add(self, row: int, column: int, count: int) -> None:
        """Add to one cell; repeated additions accumulate."""
        if count:
            self.rows.append(row)
            self.columns.append(column)
            self.counts.append(count)

    def array(self) -> Any:
        """In compressed row format, as 64-bit floats for products with weights."""
        from scipy.sparse import csr_array

        counts = np.array(self.counts, np.float64)
        return csr_array((counts, (self.rows, self.columns)), shape=self.shape)


def bootstrap_intervals(
    size: int,
    flags: Mapping[str, Flags],
    ratios: Mapping[str, Ratio],
    others: Mapping[str, Sampler],
    seed: int = 0,
) -> dict[str, list[float] | None]:
    """95 % percentile intervals (Efron 1979) by resampling rows with replacement.

    The draws depend only on the number of rows and the seed: the same rows give the same intervals,
    and for two models on the same rows each resample contains the same rows. The rates have the
    intervals of ``scipy.stats.bootstrap``, which is not used because it refuses a single row, has
    no interval if one resample leaves a ratio undefined, and takes longer to import than the
    resamples of thousands of rows take.

    Args:
        size: Number of rows.
        flags: Whether each row counts, for each rate.
        ratios: Rows that count in numerator and denominator, for each rate of some rows only.
        others: Function from draws to the values in resamples, for each other score.
        seed: Seed of the resampling.

    Returns:
        ``{metric: [low, high]}``; empty without rows. A ratio that is undefined in all resamples is
        left out; resamples in which it is undefined do not count for it.
    """
    if not size:
        return {}
    rates = _columns(list(flags.values()), size)
    numerators, denominators = (
        _columns([pair[side] for pair in ratios.values()], size) for side in (0, 1)
    )
    samples: dict[str, list[NDArray[np.float64]]] = {}
    for weights in _resamples(size, seed):
        drawn = dict(zip(flags, (weights @ rates / size).T, strict=True))
        drawn |= zip(ratios, _divide(weights @ numerators, weights @ denominators).T, strict=True)
        drawn |= {name: sample(weights) for name, sample in others.items()}
        for name, values in drawn.items():
            samples.setdefault(name, []).append(values)
    found = {name: _interval(np.concatenate(parts)) for name, parts in samples.items()}
    return {name: interval for name, interval in found.items() if interval}


def _columns(flags: Sequence[Flags], size: int) -> NDArray[np.float64]:
    return np.array(flags, dtype=np.float64).reshape(len(flags), size).T


def _resamples(size: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Number of draws of each row: arrays of shape (some resamples, rows)."""
    generator = np.random.default_rng(seed)
    left = _RESAMPLES
    while left:
        some = min(left, max(1, _CELLS // size))
        places = generator.integers(size, size=(some, size))
        places += np.arange(some)[:, None] * size
        counts = np.bincount(places.ravel(), minlength=some * size)
        yield counts.reshape(some, size).astype(np.float64)
        left -= some


def _interval(values: NDArray[np.float64]) -> list[float]:
    known = values[~np.isnan(values)]
    return [float(v) for v in np.quantile(known, [0.025, 0.975])] if len(known) else []


def _f1(hits: Any, predicted: Any, gold: Any) -> Any:
    total = np.asarray(predicted + gold, dtype=np.float64)
    return np.where(total > 0, 2 * hits / np.maximum(total, 1e-300), 0.0)


def _divide(
    numerators: NDArray[np.float64], denominators: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Ratios; NaN if the denominator is 0."""
    return np.where(denominators > 0, numerators / np.maximum(denominators, 1e-300), np.nan)
