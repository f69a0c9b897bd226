"""Rows of ``instruction`` and ``output``, as an array (``json``) or JSON lines (``jsonl``)."""

from __future__ import annotations

from intentflow.conversion.export_format import (
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    find_dialogue,
    find_text,
)


def recognises(row: Row) -> bool:
    """Whether the row has an ``output``."""
    return "output" in row


def read(row: Row, options: Options) -> LabelledRow:
    """Read the row's utterance and label.

    Raises:
        RowRejected: A field is missing, blank or not text.
    """
    instruction = find_text(row, options.field)
    output = row.get("output")
    if output is None:
        raise RowRejected("no_label")
    if not isinstance(output, str):
        raise RowRejected("not_text")
    if not output or output.isspace():
        raise RowRejected("blank_answer")
    return LabelledRow(instruction, output, find_dialogue(row))


JSON = Format("json", recognises, read, layout="values")
JSONL = Format("jsonl", recognises, read, layout="lines")
