"""Groups of rows that have to stay on one side of a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from intentflow.curation.dialogues import dialogue_pairs
from intentflow.curation.labels import intents_of
from intentflow.curation.minhash import first_of_group, near_pairs
from intentflow.curation.stratify import RowGroup
from intentflow.records import Example


def group_rows(examples: Sequence[Example], near_threshold: float) -> list[RowGroup]:
    """Group near-duplicates and rows of one dialogue, transitively.

    Returns:
        The groups in the order of their first rows; every row is in exactly one.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    import numpy as np

    near = np.stack(near_pairs([row.instruction for row in examples], near_threshold), axis=1)
    spoken = np.array(list(dialogue_pairs(examples)), np.int64).reshape(-1, 2)
    rows_by_first: dict[int, list[int]] = {}
    firsts = first_of_group(len(examples), np.concatenate([near, spoken])).tolist()
    for row, first in enumerate(firsts):
        rows_by_first.setdefault(first, []).append(row)
    features = cache(_features)
    return [_row_group(examples, rows, features) for rows in rows_by_first.values()]


def _row_group(
    examples: Sequence[Example], rows: list[int], features: Callable[[str], tuple[object, ...]]
) -> RowGroup:
    counts: Counter[object] = Counter()
    for row in rows:
        counts.update(features(examples[row].output))
    return RowGroup(rows, dict(counts), any(examples[row].synthetic for row in rows))


def _features(output: str) -> tuple[object, ...]:
    """Features that a split keeps in proportion: intents, their number and their combination."""
    intents = intents_of(output)
    if len(intents) < 2:
        return intents
    return (*dict.fromkeys(intents), len(intents), intents)
