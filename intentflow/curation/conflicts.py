"""Conflicts: one utterance with several labels, listed or resolved by a rule.

Only rows with the same utterance (apart from case and blanks) conflict: near-duplicates often
differ in exactly the word on which the label depends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from intentflow.curation.dedup import label_key, rows_by_utterance
from intentflow.records import Example

ConflictRule = Literal["list", "majority", "latest", "drop"]


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Rows whose label differs from another row's with the same utterance; rows count from 0.

    Attributes:
        listed: Pairs of a kept row, one for each further label, and the utterance's first row.
        dropped: Pairs of a row to leave out and a row of the same utterance with another label:
            the first kept one, if any is kept.
    """

    listed: list[tuple[int, int]] = field(default_factory=list)
    dropped: list[tuple[int, int]] = field(default_factory=list)


def find_conflicts(examples: Sequence[Example], rule: ConflictRule = "list") -> Conflicts:
    """Find utterances with several labels and choose the rows to drop.

    Args:
        examples: The rows, including duplicates, which count as votes.
        rule: ``list`` drops none; ``majority`` keeps the most frequent label, and all labels in
            case of a tie; ``latest`` keeps the label of the last row, as in a log of corrections;
            ``drop`` keeps none.

    Example:
        >>> rows = [Example("stop", "stop()"), Example("Stop", "pause()")]
        >>> find_conflicts(rows, "latest").dropped
        [(0, 1)]
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
    """Resolve the rows of one utterance, grouped by label in the order of their first rows."""
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
    """Index of the only label to keep; None if all are kept."""
    if rule == "latest":
        return max(range(len(groups)), key=lambda number: groups[number][-1])
    max_votes = max(map(len, groups))
    winners = [number for number, group in enumerate(groups) if len(group) == max_votes]
    return winners[0] if rule == "majority" and len(winners) == 1 else None


def _members(groups: list[list[int]]) -> list[tuple[int, int]]:
    return [(number, row) for number, group in enumerate(groups) for row in group]


def _other(groups: list[list[int]], number: int) -> int:
    """The first row whose label differs from that of a group."""
    return groups[1 if number == 0 else 0][0]
