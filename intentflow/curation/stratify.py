"""Stratified split of groups of rows with one or several intents each.

The method is iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, "On the
Stratification of Multi-Label Data"), extended to groups of several rows: groups that are hard to
place, large or with rare intents, are placed first, each where it reduces the misfit most. The
misfit is the sum of squared differences between actual and desired numbers of rows and features,
each relative to the desired number.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows that stay together.

    Attributes:
        rows: Row numbers.
        features: Number of rows by feature: an intent (text), several intents (their number), or
            a combination of intents (a tuple).
        synthetic: Whether a row was generated; then the group has to be in train.
    """

    rows: list[int]
    features: dict[object, int]
    synthetic: bool

    def intents(self) -> set[str]:
        """The names of the intents in the group."""
        return {feature for feature in self.features if isinstance(feature, str)}


def divide(
    groups: list[RowGroup], shares: Mapping[str, float], rng: random.Random
) -> dict[str, set[int]]:
    """Choose the rows of each part; the remaining rows are train, where every intent occurs.

    Args:
        groups: Groups of rows that stay together.
        shares: Share of all rows by part, each above 0, together below 1.
        rng: Random generator that orders equal groups.

    Returns:
        Row numbers by part; no part exceeds its share.
    """
    totals: Counter[object] = Counter()
    for group in groups:
        totals.update(group.features)
    count = sum(len(group.rows) for group in groups)
    train = _Part(1 - sum(shares.values()), count, totals)
    parts = {name: _Part(share, count, totals) for name, share in shares.items()}
    order = rng.sample(range(len(groups)), len(groups))
    needed = _needed_in_train(groups, order)
    order.sort(key=lambda index: _difficulty(groups[index], totals))
    for index in needed:
        train.take(groups[index])
    for index in order:
        if index not in needed:
            fitting = [part for part in parts.values() if part.has_room(groups[index])]
            min([train, *fitting], key=lambda part: part.misfit(groups[index])).take(groups[index])
    return {name: part.rows for name, part in parts.items()}


class _Part:
    """A part of the split while it is filled."""

    def __init__(self, share: float, count: int, totals: Mapping[object, int]) -> None:
        self._room = share * count
        self._weight = _weight_of_rows(count, totals)
        # For a feature too rare for its share, one row is as good as none.
        self._wanted = {feature: max(0.5, share * total) for feature, total in totals.items()}
        self._found = dict.fromkeys(totals, 0)
        self.rows: set[int] = set()

    def has_room(self, group: RowGroup) -> bool:
        return len(self.rows) + len(group.rows) <= self._room + _ROUNDING

    def misfit(self, group: RowGroup) -> float:
        """Growth of the misfit if the part takes the group."""
        size = len(group.rows)
        growth = self._weight * size * (size + 2 * (len(self.rows) - self._room)) / self._room
        for feature, rows in group.features.items():
            wanted = self._wanted[feature]
            growth += rows * (rows + 2 * (self._found[feature] - wanted)) / max(1, wanted)
        return growth

    def take(self, group: RowGroup) -> None:
        self.rows.update(group.rows)
        for feature, rows in group.features.items():
            self._found[feature] += rows


def _weight_of_rows(count: int, totals: Mapping[object, int]) -> float:
    """Weight of a part's number of rows, relative to that of a feature.

    A missing row weighs as much as a missing row of a feature of average size.
    """
    squares = sum(total * total for total in totals.values())
    return count * sum(totals.values()) / squares if squares else 1.0


def _needed_in_train(groups: list[RowGroup], order: list[int]) -> set[int]:
    """All generated groups, and real groups that together contain every intent.

    Small groups with few intents are chosen first, so that train takes the simplest ones.
    """
    covered: set[str] = set()
    needed = {index for index in order if groups[index].synthetic}
    for index in sorted(order, key=lambda i: (len(groups[i].features), len(groups[i].rows))):
        intents = groups[index].intents()
        if index not in needed and not covered.issuperset(intents):
            covered.update(intents)
            needed.add(index)
    return needed


def _difficulty(group: RowGroup, totals: Mapping[object, int]) -> tuple[int, int]:
    """Sort key: large groups first, then those with the rarest intent."""
    return -len(group.rows), min((totals[intent] for intent in group.intents()), default=0)
