"""Plain text: every line is an utterance, for labellers (``--to``); there are no labels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from intentflow.conversion.export_format import (
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    unrecognised,
)
from intentflow.conversion.json_values import Value
from intentflow.conversion.limits import SizeLimits, read_lines

_KEY = "text"


def scan(stream: BinaryIO, _path: Path, limits: SizeLimits) -> Iterator[Value]:
    """The lines that are not blank.

    Raises:
        LimitExceeded: A line is longer than allowed.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    for number, line in enumerate(read_lines(text, limits), 1):
        if line.strip():
            yield Value(number, line.rstrip("\r\n"), {_KEY: line.strip()})
    text.detach()


def read(_row: Row, _options: Options) -> LabelledRow:
    """Refuse the row as a record.

    Raises:
        RowRejected: ``no_label``, always; a task needs none.
    """
    raise RowRejected("no_label")


TEXT = Format("text", unrecognised, read, layout="document", scan=scan)
