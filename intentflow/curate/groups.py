"""Units: rows that have to stay on one side of a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

from intentflow.curate.dialogues import dialogue_pairs
from intentflow.curate.labels import intents_of
from intentflow.curate.minhash import first_of_group, near_pairs
from intentflow.curate.stratify import Unit
from intentflow.records import Example


def find_units(examples: Sequence[Example], near_threshold: float) -> list[Unit]:
    """Join near-duplicates and rows of one dialogue, and what these are joined to in turn.

    Returns:
        The units in the order of their first rows; every row is in one.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    import numpy as np

    near = np.stack(near_pairs([row.instruction for row in examples], near_threshold), axis=1)
    spoken = np.array(list(dialogue_pairs(examples)), np.int64).reshape(-1, 2)
    groups: dict[int, list[int]] = {}
    firsts = first_of_group(len(examples), np.concatenate([near, spoken])).tolist()
    for row, first in enumerate(firsts):
        groups.setdefault(first, []).append(row)
    features = cache(_features)
    return [_unit(examples, rows, features) for rows in groups.values()]


def _unit(
    examples: Sequence[Example], rows: list[int], features: Callable[[str], tuple[object, ...]]
) -> Unit:
    counts: Counter[object] = Counter()
    for row in rows:
        counts.update(features(examples[row].output))
    return Unit(rows, dict(counts), any(examples[row].synthetic for row in rows))


def _features(output: str) -> tuple[object, ...]:
    """What has to be divided in proportion: the intents, how many, and which together."""
    intents = intents_of(output)
    if len(intents) < 2:
        return intents
    return (*dict.fromkeys(intents), len(intents), intents)
