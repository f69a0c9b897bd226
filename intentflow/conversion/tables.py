"""CSV and TSV with a header: a column for the utterance and one for the label.

Which columns these are is found by :mod:`intentflow.conversion.column_choice`. Tables from doccano
and Label Studio are recognised by their other columns and read accordingly.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from intentflow.conversion import doccano, label_studio_min
from intentflow.conversion.columns import number_repeated
from intentflow.conversion.export_format import (
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    find_label,
    label_text,
    unrecognised,
)
from intentflow.conversion.json_values import Value
from intentflow.conversion.label_values import label_of, with_slots
from intentflow.conversion.limits import DEFAULT_LIMITS, SizeLimits

_DELIMITERS = (",", "\t", ";", "|")
_STATED = re.compile(r'"?sep=([,;|\t])"?', re.IGNORECASE)
_MAX_LINES = 10_000  # per row
_SAMPLE_LINES = 1000
_MAX_LINES_OF_CELL = 100  # in a file that is quoted throughout
_CELL = r'(?:"(?:[^"]|"")*+"|[\d.+-]*)'
_QUOTED_RECORD = re.compile(rf"{_CELL}(?:\t{_CELL})*+\r?(?:\n|\Z)")
_PLAIN_RECORD = re.compile(r'[^"\n]*\n')
_TOO_LARGE = "field limit"  # in the library's message


class _Lines:
    """Lines that can be put back, so that a broken row does not affect the rows after it."""

    def __init__(self, lines: Iterable[str], limits: SizeLimits) -> None:
        self._lines = iter(lines)
        self._limits = limits
        self._characters = 0
        self._waiting: list[str] = []
        self.record: list[str] = []
        self.number = 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        is_long = self._characters > self._limits.max_line_bytes
        if is_long or len(self.record) >= _MAX_LINES:  # an unclosed quote
            raise csv.Error
        line = self._waiting.pop() if self._waiting else next(self._lines)
        self.record.append(line)
        self._characters += len(line)
        return line

    def next_record(self) -> None:
        """Count the lines of the record that was just read."""
        self.number += len(self.record)
        self.record, self._characters = [], 0

    def put_back(self, keep: int = 1) -> None:
        """Put back all lines except the first ``keep`` lines of the record."""
        self._waiting += reversed(self.record[keep:])
        del self.record[keep:]
        self._characters = sum(map(len, self.record))


def scan_table(
    lines: Iterable[str],
    delimiter: str | None = None,
    limits: SizeLimits = DEFAULT_LIMITS,
    *,
    is_tsv: bool = False,
) -> Iterator[Value]:
    """Parse the rows of a table, as objects keyed by column.

    A row with unclosed quotes, or with another number of cells than the header, is a problem of
    its first line only: parsing continues with the next line.

    Args:
        lines: The lines with their line ends.
        delimiter: The delimiter; detected in the header if None.
        limits: The sizes allowed.
        is_tsv: Whether quotes are text, as in tab-separated files, unless the cells of the first
            rows are quoted throughout.

    Raises:
        LimitExceeded: A cell in one line is larger than allowed; one across lines is an unclosed
            quote.
    """
    source = _Lines(lines, limits)
    if is_tsv and not _is_quoted(source):
        reader = csv.reader(source, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
    else:
        reader = csv.reader(source, delimiter=delimiter or _delimiter(source), strict=True)
    header: list[str] = []
    while True:
        source.next_record()
        try:
            cells = _next_row(reader, limits.max_cell_characters)
        except csv.Error as error:
            if len(source.record) == 1 and _TOO_LARGE in str(error):
                raise limits.cell_exceeded() from None
            source.put_back()
            yield Value(source.number, source.record[0].rstrip("\r\n"), problem="not_csv")
            continue
        if cells is None:
            return
        if header and cells:
            yield _row(source, header, cells)
        header = header or number_repeated([cell.strip() for cell in cells])


def _next_row(reader: Iterator[list[str]], max_characters: int) -> list[str] | None:
    """The next row; the limit of the module csv is the process's own again afterwards."""
    former = csv.field_size_limit(max_characters)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(former)


def _is_quoted(source: _Lines) -> bool:
    """Whether the first rows of a tab-separated file have all their cells in quotes.

    Numbers and blank cells, and the header, need none.
    """
    try:
        is_cut = sum(1 for _ in islice(source, _SAMPLE_LINES)) == _SAMPLE_LINES
    except csv.Error:  # so many that they would be too long for a row
        is_cut = True
    text = "".join(source.record)
    source.put_back(keep=0)
    header = _PLAIN_RECORD.match(text)
    first = position = header.end() if header else 0
    while position < len(text) and (record := _QUOTED_RECORD.match(text, position)):
        position = record.end()
    rest = text.count("\n", position)
    is_read = position == len(text) or (is_cut and rest <= _MAX_LINES_OF_CELL)
    return is_read and '"' in text[first:position]


def _delimiter(source: _Lines) -> str:
    """The delimiter that Excel's line ``sep=;`` states, or the most frequent one of the header."""
    first = next((line for line in source if line.strip()), "")
    if stated := _STATED.fullmatch(first.strip(" \r\n")):
        source.next_record()
        return stated[1]
    source.put_back(keep=0)
    return max(_DELIMITERS, key=first.count)


def _row(source: _Lines, header: list[str], cells: list[str]) -> Value:
    problem = "" if len(cells) == len(header) else "cells"
    if problem:
        source.put_back()
    raw = "".join(source.record).rstrip("\r\n")
    return Value(source.number, raw, dict(zip(header, cells, strict=False)), problem)


MISSING = frozenset({"nan", "NaN", "NaT", "<NA>", "#N/A"})
"""Cells that table programs write for a missing value; as labels they would become intents."""


def read(row: Row, options: Options) -> LabelledRow:
    """Read the row's utterance and label.

    Raises:
        RowRejected: A column is missing, its cell is blank, or the label is a number or one of
            :data:`MISSING`.
    """
    if label_studio_min.recognises(row):
        return label_studio_min.read(label_studio_min.from_cells(row), options)
    if doccano.recognises_header(row.keys()):
        return doccano.read(doccano.from_cells(row), options)
    found = find_label(row, options)
    if isinstance(found, str) and found.strip() in MISSING:
        raise RowRejected("blank_answer")
    label = label_of(found, options.order)
    return label_text(row, options, with_slots(label, row, options.order))


CSV = Format("csv", unrecognised, read, layout="table")
