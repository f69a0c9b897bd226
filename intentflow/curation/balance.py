"""Balancing: undersampling of frequent intents and oversampling of rare ones."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Literal

from intentflow.curation.labels import intents_of
from intentflow.records import Example

Balance = Literal["none", "cap", "oversample"]

CAP_RATIO = 2.0
"""Maximum rows of an intent, in multiples of the median of rows per intent."""


def rows_above_cap(examples: Sequence[Example], seed: int = 0) -> list[int]:
    """Choose rows to leave out so that no intent has more than twice the median of rows.

    Only rows with one intent count and are left out; rows with several are too few to lose.

    Returns:
        Sorted row numbers from 0, drawn at random; the same ones for the same seed.
    """
    groups = _rows_by_intent(examples)
    if not groups:
        return []
    cap = int(CAP_RATIO * statistics.median(len(rows) for rows in groups.values()))
    rng = random.Random(seed)
    return sorted(
        row
        for intent in sorted(groups)
        for row in rng.sample(groups[intent], max(0, len(groups[intent]) - cap))
    )


def rows_to_copy(examples: Sequence[Example], seed: int = 0) -> dict[int, int]:
    """Choose rows to copy so that every intent has at least the median of rows.

    Only rows with one intent count and are copied: copying a row with several would add to the
    other intents as well. The numbers of copies of an intent's rows differ by at most 1.

    Returns:
        The number of copies to add by row number from 0, in the order of rows. Rows that get one
        copy more than others are drawn at random; the same ones for the same seed.
    """
    groups = _rows_by_intent(examples)
    if not groups:
        return {}
    median = int(statistics.median(len(rows) for rows in groups.values()))
    rng = random.Random(seed)
    copies: dict[int, int] = {}
    for intent in sorted(groups):
        rows = groups[intent]
        each, more = divmod(max(0, median - len(rows)), len(rows))
        repeated_more = set(rng.sample(rows, more))
        copies |= {
            row: each + (row in repeated_more) for row in rows if each or row in repeated_more
        }
    return dict(sorted(copies.items()))


def _rows_by_intent(examples: Sequence[Example]) -> dict[str, list[int]]:
    """Rows with one intent, by intent."""
    groups: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        intents = intents_of(example.output)
        if len(intents) == 1:
            groups.setdefault(intents[0], []).append(row)
    return groups
