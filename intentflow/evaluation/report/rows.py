"""Rows that the page lists: mistakes first, the most confident ones on top."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from intentflow.evaluation.metrics import unmatched_intents
from intentflow.evaluation.report.texts import is_cut, name_for_page, text_for_page
from intentflow.evaluation.scored_rows import Scored
from intentflow.report import json_for_page

WHAT = ("right", "parameters", "intent", "malformed")
"""Outcomes of a row, by their number in the page's data."""
RIGHT, PARAMETERS, INTENT, MALFORMED = range(4)
ROWS_A_PAGE = 25
_WRONG_ROWS = 4_000
_RIGHT_ROWS = 1_000
_BYTES = 1_500_000


@dataclass(frozen=True)
class PageRow:
    """One row of the page; ``complete`` if its utterance and answer are not shortened."""

    what: int
    utterance: str
    label: str
    answer: str
    confidence: float | None
    intents: list[str]
    confused: list[tuple[str, str]]
    complete: bool

    def cells(self) -> list[str]:
        """Cells of a table that works without a script."""
        sure = "–" if self.confidence is None else f"{self.confidence:.3f}"
        return [WHAT[self.what], sure, self.utterance, self.label, self.answer]

    def as_json(self) -> list[Any]:
        """Values in the order that ``rows.js`` expects."""
        sure = None if self.confidence is None else round(self.confidence, 4)
        texts = (self.utterance, self.label, self.answer)
        confused = [list(pair) for pair in self.confused]
        return [self.what, *texts, sure, self.intents, confused, self.complete]


@dataclass(frozen=True)
class PageRows:
    """The rows of the page, and the total number of rows."""

    rows: list[PageRow]
    wrong: int
    total: int

    @property
    def first(self) -> list[list[str]]:
        """The first page, for readers without a script."""
        return [row.cells() for row in self.rows[:ROWS_A_PAGE]]

    @property
    def wrong_left_out(self) -> int:
        """Number of wrong rows that are not on the page."""
        return self.wrong - sum(row.what != RIGHT for row in self.rows)

    @property
    def left_out(self) -> str:
        """A text with the number of rows that are not on the page; empty if all are."""
        wrong = self.wrong_left_out
        right = self.total - len(self.rows) - wrong
        parts = [f"{wrong:,} wrong"] * bool(wrong) + [f"{right:,} right"] * bool(right)
        return " and ".join(parts)

    def as_json(self) -> list[Any]:
        """The rows for the script."""
        return [row.as_json() for row in self.rows]


def shown_rows(rows: Sequence[Scored]) -> PageRows:
    """Choose and redact rows up to the page's maximum size.

    Wrong intents come before wrong parameters, the most confident first; right rows follow, the
    least confident first.
    """
    wrong = sorted((row for row in rows if not row.parameters_right), key=_by_harm)
    right = sorted((row for row in rows if row.parameters_right), key=_sure)
    chosen = [*wrong[:_WRONG_ROWS], *right[:_RIGHT_ROWS]]
    return PageRows(list(_within_room(chosen)), len(wrong), len(rows))


def _by_harm(row: Scored) -> tuple[bool, float, bool]:
    return row.intent_right, -_sure(row), row.predicted is not None


def _sure(row: Scored) -> float:
    return -1.0 if row.confidence is None else row.confidence


def _within_room(rows: Sequence[Scored]) -> Iterator[PageRow]:
    room = _BYTES
    for row in rows:
        shown = _page_row(row)
        room -= len(json_for_page(shown.as_json()).encode(errors="replace"))
        if room < 0:
            return
        yield shown


def _page_row(row: Scored) -> PageRow:
    predicted = [call.intent for call in row.predicted or []]
    confused = [] if row.intent_right else unmatched_intents(row)
    return PageRow(
        _what(row),
        text_for_page(row.instruction),
        text_for_page(row.gold_text),
        text_for_page(row.prediction),
        row.confidence,
        sorted({name_for_page(name) for name in (*row.gold_intents, *predicted)}),
        [(name_for_page(gold), name_for_page(guess)) for gold, guess in confused],
        complete=not any(is_cut(text) for text in (row.instruction, row.prediction)),
    )


def _what(row: Scored) -> int:
    if row.predicted is None and not row.intent_right:
        return MALFORMED
    if row.parameters_right:
        return RIGHT
    return PARAMETERS if row.intent_right else INTENT
