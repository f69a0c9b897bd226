"""The data set in the form that the checks use: parsed labels, and rows counted by intent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from intentflow.calls import Call, CallSyntaxError, parse_calls
from intentflow.curation.dedup import Duplicates, find_duplicates
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy
from intentflow.validation.advice import PROMPT_TOKENS, estimate_tokens


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its calls.

    Attributes:
        number: Number of the row, from 1.
        example: The row as it is in the file.
        calls: The calls of its label; empty if it does not parse.
    """

    number: int
    example: Example
    calls: tuple[Call, ...]

    @property
    def is_single(self) -> bool:
        """Whether the row has one intent in one round."""
        return len(self.calls) == 1 and self.example.rounds == 1

    @property
    def intents(self) -> set[str]:
        """The distinct intents of the row."""
        return {call.intent for call in self.calls}


@dataclass(slots=True)
class IntentRows:
    """The rows of one intent.

    Attributes:
        rows: Number of rows with the intent.
        alone: Number of rows in which it is the only intent.
        single: Number of these that have one round.
        min_parameters: Smallest number of parameters of its calls.
        max_parameters: Largest number of parameters of its calls.
        example: The first utterance with the intent.
    """

    rows: int = 0
    alone: int = 0
    single: int = 0
    min_parameters: int = 0
    max_parameters: int = 0
    example: str = ""

    def add(self, row: Row, intent: str) -> None:
        """Count a row that contains the intent."""
        counts = [len(call.parameters) for call in row.calls if call.intent == intent]
        self.min_parameters = min(self.min_parameters, *counts) if self.rows else min(counts)
        self.max_parameters = max(self.max_parameters, *counts)
        self.example = self.example or row.example.instruction
        self.rows += 1
        self.alone += len(row.calls) == 1
        self.single += row.is_single


@dataclass(frozen=True)
class Dataset:
    """A parsed data set and its counts.

    Attributes:
        rows: All rows.
        intents: Rows by intent, most rows first.
        taxonomy: The expected intents, if known.
        others: Utterances of other files, by file name.
        count_tokens: Number of tokens of a text.
        prompt_tokens: Tokens of the prompt, which every row has in addition to utterance and label.
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
        """Parse and count rows; ``known`` are attributes that cannot be derived from the rows."""
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
    def multi_round(self) -> list[Row]:
        """Rows that join several rounds of a dialogue."""
        return [row for row in self.rows if row.example.rounds > 1]

    @cached_property
    def tokens(self) -> list[int]:
        """Number of tokens of each row, utterance and label together."""
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
