"""Entries of the changes file of ``curate``: what happened to which row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from intentflow.artifacts.document import JsonDocument
from intentflow.io.files import atomic_file

RowChangeKind = Literal[
    "above_cap",
    "conflict",
    "conflict_dropped",
    "copied",
    "duplicate",
    "label_normalised",
    "near_duplicate",
    "near_test_row",
    "redacted",
]


class RowChange(JsonDocument):
    """A change of one row; keys that do not apply are left out of the file.

    Example:
        >>> RowChange(row=2, kind="duplicate", other=1).as_dict()
        {'row': 2, 'kind': 'duplicate', 'other': 1}
    """

    WRONG_KIND: ClassVar[str] = "not a change of a row: expected row and kind"

    row: int = Field(
        ge=1, description="Line of the input, from 1; in a JSON array the number of the row"
    )
    kind: RowChangeKind = Field(
        description="redacted, label_normalised; for rows left out: duplicate, near_duplicate, "
        "near_test_row (it is near a row of the test file), "
        "above_cap, conflict_dropped (its label differs from another row's with the same "
        "utterance); for rows kept: conflict (the same, only listed), copied (repeated at the end)"
    )
    other: int | None = Field(
        None, description="The row that is kept instead; for conflicts, one with the other label"
    )
    copies: int = Field(0, ge=0, description="Number of copies added")
    placeholders: dict[str, int] = Field(
        default_factory=dict,
        description="Number of values that a redaction replaced, by kind; never the values",
    )

    def as_dict(self) -> dict[str, Any]:
        """The change as JSON values, without keys that do not apply."""
        return {key: value for key, value in self.model_dump().items() if value or key == "row"}

    @staticmethod
    def write_rows(path: str | Path, changes: Iterable[RowChange]) -> None:
        """Write the changes as a JSON array, one per line."""
        lines = ",\n".join(json.dumps(change.as_dict()) for change in changes)
        with atomic_file(path) as partial:
            partial.write_text(f"[\n{lines}\n]\n" if lines else "[]\n", encoding="utf-8")
