"""Lines of ``rejects.jsonl``: rows of labelling exports that became no records."""

from __future__ import annotations

from typing import ClassVar

import orjson
from pydantic import Field

from intentflow.artifacts.document import JsonDocument


class RejectedRow(JsonDocument):
    r"""A row that a conversion rejected.

    Example:
        >>> row = RejectedRow(source="a.csv", line=2, reason="no_label", raw="play jazz,")
        >>> row.as_line()
        b'{"source":"a.csv","line":2,"reason":"no_label","raw":"play jazz,"}\n'
    """

    WRONG_KIND: ClassVar[str] = "not a rejected row: expected source, line, reason and raw"

    source: str = Field(description="Name of the file")
    line: int = Field(ge=1, description="Line number in the file, from 1")
    reason: str = Field(description="Code of the reason, such as malformed_output")
    raw: str = Field(description="The row as text, redacted unless that was switched off")

    def as_line(self) -> bytes:
        """The row as a line of the file, without blanks."""
        return orjson.dumps(self.as_dict(), option=orjson.OPT_APPEND_NEWLINE)
