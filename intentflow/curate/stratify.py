"""Stratified division of units of rows, of which each may have several intents.

The method is iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, "On the
Stratification of Multi-Label Data"), for units of several rows: those that are hard to place, large
or with rare intents, are placed first, each where it lowers the misfit most, which is the sum of
squares by which rows and features differ from what is wanted, each relative to that.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Unit:
    """Rows that stay together.

    Attributes:
        rows: Their numbers.
        features: How many of them have each feature: an intent (text), several intents (their
            number), a combination of intents (a tuple).
        synthetic: Whether one was generated; then all of them have to be in train.
    """

    rows: list[int]
    features: dict[object, int]
    synthetic: bool

    def intents(self) -> set[str]:
        """The names of the intents in the unit."""
        return {feature for feature in self.features if isinstance(feature, str)}


def divide(
    units: list[Unit], shares: Mapping[str, float], chance: random.Random
) -> dict[str, set[int]]:
    """Choose rows for each part; the rest is train, where every intent occurs.

    Args:
        units: What may not be divided.
        shares: Share of all rows by part, each above 0, together below 1.
        chance: Decides which of several equal units goes where.

    Returns:
        Row numbers by part, never more than its share.
    """
    totals: Counter[object] = Counter()
    for unit in units:
        totals.update(unit.features)
    count = sum(len(unit.rows) for unit in units)
    train = _Part(1 - sum(shares.values()), count, totals)
    parts = {name: _Part(share, count, totals) for name, share in shares.items()}
    order = chance.sample(range(len(units)), len(units))
    needed = _needed_in_train(units, order)
    order.sort(key=lambda index: _difficulty(units[index], totals))
    for index in needed:
        train.take(units[index])
    for index in order:
        if index not in needed:
            fitting = [part for part in parts.values() if part.has_room(units[index])]
            min([train, *fitting], key=lambda part: part.misfit(units[index])).take(units[index])
    return {name: part.rows for name, part in parts.items()}


class _Part:
    """A part while it is filled."""

    def __init__(self, share: float, count: int, totals: Mapping[object, int]) -> None:
        self._room = share * count
        self._weight = _weight_of_rows(count, totals)
        # A feature too rare for its share is not missed: one row is as good as none.
        self._wanted = {feature: max(0.5, share * total) for feature, total in totals.items()}
        self._found = dict.fromkeys(totals, 0)
        self.rows: set[int] = set()

    def has_room(self, unit: Unit) -> bool:
        return len(self.rows) + len(unit.rows) <= self._room + _ROUNDING

    def misfit(self, unit: Unit) -> float:
        """By how much the misfit grows if the part takes the unit."""
        size = len(unit.rows)
        growth = self._weight * size * (size + 2 * (len(self.rows) - self._room)) / self._room
        for feature, rows in unit.features.items():
            wanted = self._wanted[feature]
            growth += rows * (rows + 2 * (self._found[feature] - wanted)) / max(1, wanted)
        return growth

    def take(self, unit: Unit) -> None:
        self.rows.update(unit.rows)
        for feature, rows in unit.features.items():
            self._found[feature] += rows


def _weight_of_rows(count: int, totals: Mapping[object, int]) -> float:
    """How much more than a feature the size of a part counts.

    So much that one row too few weighs as much as one too few of a feature of the usual size.
    """
    squares = sum(total * total for total in totals.values())
    return count * sum(totals.values()) / squares if squares else 1.0


def _needed_in_train(units: list[Unit], order: list[int]) -> set[int]:
    """All generated units, and one real unit for every intent, one for several where it can.

    Small units with few intents are asked first, so that what is kept back is the plainest.
    """
    covered: set[str] = set()
    needed = {index for index in order if units[index].synthetic}
    for index in sorted(order, key=lambda i: (len(units[i].features), len(units[i].rows))):
        intents = units[index].intents()
        if index not in needed and not covered.issuperset(intents):
            covered.update(intents)
            needed.add(index)
    return needed


def _difficulty(unit: Unit, totals: Mapping[object, int]) -> tuple[int, int]:
    """Sorts large units first, then those with the rarest intent."""
    return -len(unit.rows), min((totals[intent] for intent in unit.intents()), default=0)
