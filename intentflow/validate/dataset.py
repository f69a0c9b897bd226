"""A data set read for checking: every label parsed once, rows counted by intent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from intentflow.calls import Call, CallSyntaxError, parse_calls
from intentflow.curate.dedup import Duplicates, find_duplicates
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy
from intentflow.validate.advice import PROMPT_TOKENS, estimate_tokens


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its calls.

    Attributes:
        number: Row of the data set, from 1.
        example: The row as it stands in the file.
        calls: Its label; empty if it does not parse.
    """

    number: int
    example: Example
    calls: tuple[Call, ...]

    @property
    def intents(self) -> set[str]:
        """The different intents of the row."""
        return {call.intent for call in self.calls}


@dataclass(slots=True)
class IntentRows:
    """The rows of one intent.

    Attributes:
        rows: Rows in which it occurs.
        alone: Rows in which it is the only intent.
        least, most: Fewest and most parameters of its calls.
        example: The first utterance in which it occurs.
    """

    rows: int = 0
    alone: int = 0
    least: int = 0
    most: int = 0
    example: str = ""

    def add(self, row: Row, intent: str) -> None:
        """Count a row that holds the intent."""
        counts = [len(call.parameters) for call in row.calls if call.intent == intent]
        self.least = min(self.least, *counts) if self.rows else min(counts)
        self.most = max(self.most, *counts)
        self.example = self.example or row.example.instruction
        self.rows += 1
        self.alone += len(row.calls) == 1


@dataclass(frozen=True)
class Dataset:
    """Rows and what they add up to.

    Attributes:
        rows: All rows.
        intents: Rows by intent, most rows first.
        taxonomy: Which intents there should be, where known.
        others: The utterances of other files by their names.
        count_tokens: Number of tokens of a text.
        prompt_tokens: Tokens that every row has besides its utterance and label.
    """

    rows: list[Row]
    intents: dict[str, IntentRows] = field(default_factory=dict)
    taxonomy: Taxonomy | None = None
    others: Mapping[str, Sequence[str]] = field(default_factory=dict)
    count_tokens: Callable[[str], int] = estimate_tokens
    prompt_tokens: int = PROMPT_TOKENS

    @classmethod
    def read(
        cls, examples: Sequence[Example], taxonomy: Taxonomy | None = None, **known: Any
    ) -> Dataset:
        """Parse and count; ``known`` are the attributes that the rows do not give."""
        rows = [Row(n, example, _calls(example.output)) for n, example in enumerate(examples, 1)]
        counted: dict[str, IntentRows] = {}
        for row in rows:
            for intent in row.intents:
                counted.setdefault(intent, IntentRows()).add(row, intent)
        ordered = sorted(counted.items(), key=lambda item: (-item[1].rows, item[0]))
        return cls(rows, dict(ordered), taxonomy, **known)

    @cached_property
    def several(self) -> list[Row]:
        """Rows with more than one call."""
        return [row for row in self.rows if len(row.calls) > 1]

    @cached_property
    def tokens(self) -> list[int]:
        """Tokens of each row, utterance and label."""
        count = self.count_tokens
        return [count(row.example.instruction) + count(row.example.output) for row in self.rows]

    @cached_property
    def repeats(self) -> Duplicates:
        """Rows that repeat an earlier utterance, with the same label or another."""
        return find_duplicates([row.example for row in self.rows])


def _calls(output: str) -> tuple[Call, ...]:
    try:
        return tuple(parse_calls(output))
    except CallSyntaxError:
        return ()
