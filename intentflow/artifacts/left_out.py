"""Rows of ``left-out.jsonl``: what a step left out of its output, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field

from intentflow.artifacts.document import Artifact
from intentflow.io.files import atomic_file


class LeftOutRow(Artifact):
    """A row that a step left out."""

    row: int = Field(description="Its number in the input, from 1", ge=1)
    reason: Literal["near_test_row"] = Field(
        description="near_test_row: it is near a row of the test file"
    )
    instruction: str = Field(description="The utterance")
    output: str = Field(description="The label")

    @staticmethod
    def write_rows(path: str | Path, rows: Iterable[LeftOutRow]) -> None:
        """Write JSON lines that only the owner may read, because they contain utterances."""
        with atomic_file(path, private=True) as partial, partial.open("w", encoding="utf-8") as out:
            for row in rows:
                out.write(json.dumps(row.as_dict(), ensure_ascii=False) + "\n")
