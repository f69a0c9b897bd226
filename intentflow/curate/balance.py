"""Balancing: an intent with far more rows than the others is cut, a rare one is repeated."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Literal

from intentflow.curate.labels import intents_of
from intentflow.records import Example

Balance = Literal["none", "cap", "oversample"]

CAP_RATIO = 2.0
"""How many times the median of rows per intent an intent may have."""


def rows_above_cap(examples: Sequence[Example], seed: int = 0) -> list[int]:
    """Rows to leave out so that no intent has more than twice the median of rows.

    Only rows with one intent count and are cut; rows with several are too few to lose.

    Returns:
        Row numbers from 0, in order; drawn by chance, the same ones for the same seed.
    """
    groups = _rows_by_intent(examples)
    if not groups:
        return []
    cap = int(CAP_RATIO * statistics.median(len(rows) for rows in groups.values()))
    chance = random.Random(seed)
    return sorted(
        row
        for intent in sorted(groups)
        for row in chance.sample(groups[intent], max(0, len(groups[intent]) - cap))
    )


def rows_to_copy(examples: Sequence[Example], seed: int = 0) -> dict[int, int]:
    """Rows to repeat so that every intent has at least the median of rows.

    Only rows with one intent count and are repeated: repeating one with several would add to the
    others as well. No row gets a further copy before every row of its intent has as many.

    Returns:
        For each row number from 0 how many copies to add, in the order of rows; which rows get
        one more than others is drawn by chance, the same for the same seed.
    """
    groups = _rows_by_intent(examples)
    if not groups:
        return {}
    median = int(statistics.median(len(rows) for rows in groups.values()))
    chance = random.Random(seed)
    copies: dict[int, int] = {}
    for intent in sorted(groups):
        rows = groups[intent]
        each, more = divmod(max(0, median - len(rows)), len(rows))
        luckier = set(chance.sample(rows, more))
        copies |= {row: each + (row in luckier) for row in rows if each or row in luckier}
    return dict(sorted(copies.items()))


def _rows_by_intent(examples: Sequence[Example]) -> dict[str, list[int]]:
    """Rows with one intent, by intent."""
    groups: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        intents = intents_of(example.output)
        if len(intents) == 1:
            groups.setdefault(intents[0], []).append(row)
    return groups
