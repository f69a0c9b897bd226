"""Rows of ``left-out.jsonl``: what a step left out of its output, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field

from intentflow.artifacts.document import Artifact, write_lines
from intentflow.records import Example

LeftOutReason = Literal["near_test_row", "above_cap"]


class LeftOutRow(Artifact):
    """A row that a step left out."""

    row: int = Field(
        description="Line number in the step's input, from 1; in a JSON array the row's number",
        ge=1,
    )
    reason: LeftOutReason = Field(
        description="near_test_row: it is near a row of the test file; above_cap: its intent has "
        "enough training rows"
    )
    instruction: str = Field(description="The utterance")
    output: str = Field(description="The label")

    @staticmethod
    def write_rows(
        path: str | Path, rows: Iterable[tuple[int, Example]], reason: LeftOutReason
    ) -> None:
        """Write JSON lines that only the owner may read, because they contain utterances.

        Args:
            path: The file to write.
            rows: The rows, each with its number in the step's input.
            reason: Why they were left out.
        """
        write_lines(
            path,
            (
                LeftOutRow(
                    row=number, reason=reason, instruction=row.instruction, output=row.output
                )
                for number, row in rows
            ),
        )
