"""Repeated utterances: with the same label they are duplicates, otherwise conflicts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from intentflow.calls import Call, CallSyntaxError, parse_calls
from intentflow.lookalikes import comparable
from intentflow.records import Example


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Rows that repeat the utterance of an earlier one; rows count from 0.

    Attributes:
        duplicates: Pairs of a row and the earlier row with the same label.
        conflicts: Pairs of a row and the first row with that utterance, whose label differs.
    """

    duplicates: list[tuple[int, int]]
    conflicts: list[tuple[int, int]]


def normalised_utterance(text: str) -> str:
    """Normalise an utterance, so that equal results mean the same utterance.

    Case, surrounding blanks, runs of blanks, full-width forms, composed and decomposed accents and
    invisible marks make no difference.

    Example:
        >>> normalised_utterance(" Play  SOME jazz ")
        'play some jazz'
    """
    return " ".join(unicodedata.normalize("NFKC", comparable(text)).casefold().split())


def label_key(output: str) -> frozenset[tuple[Call, int]] | str:
    """A key that two labels share if they mean the same.

    The order of calls makes no difference, and values are normalised like utterances, from which
    they are copied.
    """
    try:
        calls = [_normalised_call(call) for call in parse_calls(output)]
    except CallSyntaxError:
        return comparable(output).strip()
    return frozenset((call, calls.count(call)) for call in calls)


def _normalised_call(call: Call) -> Call:
    return Call(comparable(call.intent), tuple(map(normalised_utterance, call.parameters)))


def find_duplicates(examples: Sequence[Example]) -> Duplicates:
    """Exact duplicates and conflicts among the rows."""
    found = Duplicates([], [])
    for rows in rows_by_utterance(examples):
        seen: dict[object, int] = {}
        for row in rows:
            label = label_key(examples[row].output)
            if label in seen:
                found.duplicates.append((row, seen[label]))
                continue
            if seen:
                found.conflicts.append((row, rows[0]))
            seen[label] = row
    found.duplicates.sort()
    found.conflicts.sort()
    return found


def rows_by_utterance(examples: Iterable[Example]) -> list[list[int]]:
    """Row numbers from 0 of every utterance that occurs more than once."""
    groups: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        groups.setdefault(normalised_utterance(example.instruction), []).append(row)
    return [rows for rows in groups.values() if len(rows) > 1]
