"""Rows of one dialogue, found by its id or, without one, by the rounds that they share.

A row that joins several user rounds shares all but the newest with the row before it: the end of
one instruction is the beginning of the next. Only consecutive rows are compared, because short
rounds ("the address, please") recur in many dialogues. In shuffled rows, only an id keeps a
dialogue together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intentflow.curation.near_keys import is_wide
from intentflow.records import Example

SHARED_CHARACTERS = 12
"""Minimum number of shared characters of two rows of one dialogue.

Measured on the public sets: the 3,370 joined rounds of CrossWOZ give 450 dialogues, the largest of
22 rows. Of the sets without rounds CLINC150, whose rows are sorted by similarity, has 139 of
15,100 rows that are mistaken for the next round, in groups of at most 3, most of them
near-duplicates anyway; the four others have 0 to 4 rows.
"""


def dialogue_pairs(examples: Sequence[Example]) -> Iterator[tuple[int, int]]:
    """Pairs of rows, from 0, of the same dialogue; they connect all rows of each dialogue."""
    first: dict[str, int] = {}
    for row, example in enumerate(examples):
        if example.dialogue is not None:
            yield first.setdefault(example.dialogue, row), row
        elif row and _continues(examples[row - 1], example):
            yield row - 1, row


def _continues(before: Example, example: Example) -> bool:
    return before.dialogue is None and shares_rounds(before.instruction, example.instruction)


def shares_rounds(earlier: str, later: str) -> bool:
    """Whether the end of one instruction, from a word's beginning on, is the start of the next."""
    if len(later) < SHARED_CHARACTERS:
        return False
    head = later[:SHARED_CHARACTERS]
    start = earlier.find(head)
    while start >= 0:
        if later.startswith(earlier[start:]) and not (
            _inside_a_word(earlier, start) or _inside_a_word(later, len(earlier) - start)
        ):
            return True
        start = earlier.find(head, start + 1)
    return False


def _inside_a_word(text: str, position: int) -> bool:
    """Whether a position is between two letters of a script that separates words."""
    around = text[position - 1 : position + 1] if position else ""
    return len(around) == 2 and around.isalnum() and not any(map(is_wide, around))
