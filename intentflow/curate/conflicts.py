"""Conflicts: one utterance with several labels, listed or resolved by a rule.

Only rows of the same utterance (apart from case and blanks) are a conflict: near-duplicates often
differ in just the word that makes the label another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from intentflow.curate.dedup import label_key, rows_by_utterance
from intentflow.records import Example

ConflictRule = Literal["list", "majority", "latest", "drop"]


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Rows whose label differs from another's of the same utterance; rows count from 0.

    Attributes:
        listed: Kept rows: one of each further label, and the first row of the utterance.
        dropped: Rows to leave out, and a row of the utterance with another label: the first of
            those kept where there are such.
    """

    listed: list[tuple[int, int]] = field(default_factory=list)
    dropped: list[tuple[int, int]] = field(default_factory=list)


def find_conflicts(examples: Sequence[Example], rule: ConflictRule = "list") -> Conflicts:
    """Find utterances with several labels and say which of their rows go.

    Args:
        examples: The rows, duplicates included: they are the votes.
        rule: ``list`` drops none; ``majority`` keeps the label that most rows have, and all of
            them where several have most; ``latest`` keeps the label of the last row, as in a log
            of corrections; ``drop`` keeps none.
    """
    found = Conflicts()
    for rows in rows_by_utterance(examples):
        labels: dict[object, list[int]] = {}
        for row in rows:
            labels.setdefault(label_key(examples[row].output), []).append(row)
        if len(labels) > 1:
            _resolve(list(labels.values()), rule, found)
    found.listed.sort()
    found.dropped.sort()
    return found


def _resolve(groups: list[list[int]], rule: ConflictRule, found: Conflicts) -> None:
    """Decide on the rows of one utterance, grouped by label in the order of their first rows."""
    if rule == "drop":
        found.dropped.extend((row, _other(groups, number)) for number, row in _members(groups))
        return
    kept = _winner(groups, rule)
    if kept is None:
        found.listed.extend((group[0], groups[0][0]) for group in groups[1:])
        return
    losers = (row for number, row in _members(groups) if number != kept)
    found.dropped.extend((row, groups[kept][0]) for row in losers)


def _winner(groups: list[list[int]], rule: ConflictRule) -> int | None:
    """The number of the label that stays alone; None if all stay."""
    if rule == "latest":
        return max(range(len(groups)), key=lambda number: groups[number][-1])
    most = max(map(len, groups))
    leaders = [number for number, group in enumerate(groups) if len(group) == most]
    return leaders[0] if rule == "majority" and len(leaders) == 1 else None


def _members(groups: list[list[int]]) -> list[tuple[int, int]]:
    return [(number, row) for number, group in enumerate(groups) for row in group]


def _other(groups: list[list[int]], number: int) -> int:
    """The first row with another label than a group's."""
    return groups[1 if number == 0 else 0][0]
