"""Counts of a redaction, row by row, without the replaced values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from intentflow.artifacts.redaction_report import RedactedRow, RedactionReport
from intentflow.curation.labels import intents_of
from intentflow.records import Example
from intentflow.redaction.anonymizer import redact_text

EXAMPLES_PER_KIND = 3
"""Number of redacted rows kept as examples, for each kind of personal data."""

NO_INTENT = "(label does not parse)"
_SHOWN_CHARACTERS = 400


@dataclass
class Redactions:
    """Counts over all rows of a redaction.

    Attributes:
        rows: Number of rows.
        changed: Rows in which something was replaced.
        labels_changed: Changed rows whose label was changed too.
        values: Distinct values replaced, by kind; a value counts once per row.
        rows_by_kind: Rows that contained the kind.
        rows_by_intent: Changed rows by intent; a row with several intents counts for each.
        examples: The first few changed rows of each kind.
    """

    rows: int = 0
    changed: int = 0
    labels_changed: int = 0
    values: Counter[str] = field(default_factory=Counter)
    rows_by_kind: Counter[str] = field(default_factory=Counter)
    rows_by_intent: Counter[str] = field(default_factory=Counter)
    examples: list[RedactedRow] = field(default_factory=list)

    def add(self, number: int, before: Example, after: Example, kinds: dict[str, int]) -> None:
        """Count one row.

        Args:
            number: Row of the input, from 1.
            before: The original row.
            after: The redacted row.
            kinds: Number of distinct values replaced, by kind; empty if nothing was found.
        """
        self.rows += 1
        if not kinds:
            return
        self.changed += 1
        self.labels_changed += after.output != before.output
        if any(self.rows_by_kind[kind] < EXAMPLES_PER_KIND for kind in kinds):
            self.examples.append(_shown(number, after))
        self.values.update(kinds)
        self.rows_by_kind.update(kinds.keys())
        self.rows_by_intent.update(set(intents_of(after.output)) or {NO_INTENT})

    def report(self) -> RedactionReport:
        """The counts and examples, without replaced values."""
        return RedactionReport(
            rows=self.rows,
            changed=self.changed,
            labels_changed=self.labels_changed,
            values=dict(sorted(self.values.items())),
            rows_by_kind=dict(sorted(self.rows_by_kind.items())),
            rows_by_intent=_named(self.rows_by_intent),
            examples=self.examples,
        )


def _shown(number: int, example: Example) -> RedactedRow:
    """An example for the report; intent names, which the data keep, are redacted here as well."""
    return RedactedRow(
        row=number, instruction=_cut(example.instruction), output=_cut(redact_text(example.output))
    )


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _named(rows_by_intent: Counter[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for intent, rows in rows_by_intent.items():
        counts[redact_text(intent)] += rows
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
