"""The redaction report: counts and examples of redactions, without the replaced values."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from intentflow.artifacts.document import JsonDocument, Section


class RedactedRow(Section):
    """A redacted row as the report shows it."""

    row: int = Field(description="Row of the input, from 1")
    instruction: str = Field(description="The redacted utterance, cut to 400 characters")
    output: str = Field(description="The redacted label, cut likewise")


class RedactionReport(JsonDocument):
    """Counts over all rows of a redaction, and a few redacted rows."""

    WRONG_KIND: ClassVar[str] = "not a redaction report"
    SIGN: ClassVar[str] = "labels_changed"
    INDENT: ClassVar[int] = 1

    rows: int = Field(description="Number of rows")
    changed: int = Field(description="Rows in which something was replaced")
    labels_changed: int = Field(description="Changed rows whose label was changed too")
    values: dict[str, int] = Field(
        description="Distinct values replaced, by kind; a value counts once per row"
    )
    rows_by_kind: dict[str, int] = Field(description="Rows that contained the kind")
    rows_by_intent: dict[str, int] = Field(
        description="Changed rows by intent; a row with several intents counts for each"
    )
    examples: list[RedactedRow] = Field(description="The first few changed rows of each kind")
