"""Balancing: an intent with far more rows than the others is cut."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Literal

from intentflow.curate.labels import intents_of
from intentflow.records import Example

Balance = Literal["none", "cap"]

CAP_RATIO = 2.0
"""How many times the median of rows per intent an intent may have."""


def rows_above_cap(examples: Sequence[Example], seed: int = 0) -> list[int]:
    """Rows to leave out so that no intent has more than twice the median of rows.

    Only rows with one intent count and are cut; rows with several are too few to lose.

    Returns:
        Row numbers from 0, in order; drawn by chance, the same ones for the same seed.
    """
    groups: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        intents = intents_of(example.output)
        if len(intents) == 1:
            groups.setdefault(intents[0], []).append(row)
    if not groups:
        return []
    cap = int(CAP_RATIO * statistics.median(len(rows) for rows in groups.values()))
    chance = random.Random(seed)
    return sorted(
        row
        for intent in sorted(groups)
        for row in chance.sample(groups[intent], max(0, len(groups[intent]) - cap))
    )
