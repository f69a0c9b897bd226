"""Counts per row and label, rates made from them, and bootstrap intervals over rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000
_CHUNK = 100  # resamples at a time, so that memory stays small for many rows


def ratio(part: float, whole: float) -> float | None:
    """part / whole, or None where the whole is nothing."""
    return float(part) / float(whole) if whole else None


@dataclass(frozen=True)
class RowCounts:
    """True positives, predicted and gold counts: integer arrays of shape (rows, labels)."""

    labels: list[Any]
    hits: NDArray[np.int32]
    predicted: NDArray[np.int32]
    gold: NDArray[np.int32]

    @classmethod
    def collect(cls, rows: Sequence[tuple[Counter[Any], Counter[Any]]]) -> RowCounts:
        """Count (gold, predicted) label multisets of every row.

        Labels are the gold ones; what was predicted beside them counts under one label more,
        None, so that it lowers precision over all.
        """
        known = {label for gold, _ in rows for label in gold}
        names = sorted(known, key=str)
        index = {label: i for i, label in enumerate(names)}
        other = len(names)
        shape = (len(rows), other + 1)
        hits, predicted, actual = (np.zeros(shape, np.int32) for _ in range(3))
        for i, (gold, guess) in enumerate(rows):
            for label, count in gold.items():
                actual[i, index[label]] += count
                hits[i, index[label]] += min(count, guess[label])
            for label, count in guess.items():
                predicted[i, index.get(label, other)] += count
        return cls([*names, None], hits, predicted, actual)

    def f1_micro(self) -> float | None:
        """F1 over all labels together; 1.0 where there is nothing to find and nothing found."""
        total = self.predicted.sum() + self.gold.sum()
        if not total:
            return 1.0 if len(self.gold) else None
        return ratio(2 * self.hits.sum(), total)

    def f1_macro(self) -> float | None:
        """Mean F1 of the labels that occur in the gold answers."""
        scores = _f1(self.hits.sum(0), self.predicted.sum(0), self.gold.sum(0))[:-1]
        return float(scores.mean()) if len(scores) else None

    def per_label(self) -> dict[str, dict[str, float | int | None]]:
        """Precision, recall, F1 and support of each gold label."""
        table = {}
        sums = zip(self.hits.sum(0), self.predicted.sum(0), self.gold.sum(0), strict=True)
        for label, (hits, predicted, gold) in zip(self.labels, sums, strict=True):
            if label is None:
                continue
            table[str(label)] = {
                "precision": ratio(hits, predicted),
                "recall": ratio(hits, gold),
                "f1": ratio(2 * hits, predicted + gold),
                "support": int(gold),
                "predicted": int(predicted),
                "correct": int(hits),
            }
        return table


def bootstrap_intervals(
    flags: Mapping[str, Sequence[bool]], intents: RowCounts, parameters: RowCounts, seed: int = 0
) -> dict[str, list[float]]:
    """95 % percentile intervals (Efron 1979) by resampling rows with replacement.

    Args:
        flags: For each rate, whether each row counts.
        intents: Counts behind the intent F1 scores.
        parameters: Counts behind the parameter F1 score.
        seed: Of the resampling; the same rows give the same intervals.

    Returns:
        ``{metric: [low, high]}``; empty without rows.
    """
    size = len(intents.gold)
    if not size:
        return {}
    generator = np.random.default_rng(seed)
    columns = np.array(list(flags.values()), dtype=np.float64).T
    samples: dict[str, list[NDArray[np.float64]]] = {}
    for _ in range(_RESAMPLES // _CHUNK):
        weights = generator.multinomial(size, np.full(size, 1 / size), _CHUNK).astype(np.float64)
        for name, values in zip(flags, (weights @ columns / size).T, strict=True):
            samples.setdefault(name, []).append(values)
        for name, values in _f1_samples(weights, intents, parameters).items():
            samples.setdefault(name, []).append(values)
    return {
        name: [float(v) for v in np.quantile(np.concatenate(parts), [0.025, 0.975])]
        for name, parts in samples.items()
    }


def _f1_samples(
    weights: NDArray[np.float64], intents: RowCounts, parameters: RowCounts
) -> dict[str, NDArray[np.float64]]:
    hits, predicted, gold = (weights @ a for a in (intents.hits, intents.predicted, intents.gold))
    pairs = [weights @ a.sum(1) for a in (parameters.hits, parameters.predicted, parameters.gold)]
    occurring = (gold[:, :-1] > 0).sum(1)
    macro = _f1(hits, predicted, gold)[:, :-1]
    return {
        "intent_f1_micro": _f1(hits.sum(1), predicted.sum(1), gold.sum(1)),
        "intent_f1_macro": (macro * (gold[:, :-1] > 0)).sum(1) / np.maximum(occurring, 1),
        "parameter_f1": _f1(pairs[0], pairs[1], pairs[2], empty=1.0),
    }


def _f1(hits: Any, predicted: Any, gold: Any, empty: float = 0.0) -> Any:
    total = np.asarray(predicted + gold, dtype=np.float64)
    return np.where(total > 0, 2 * hits / np.maximum(total, 1e-300), empty)
