"""Rows with a date: CSV, JSON and JSON lines."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from intentflow.baselines.labels import intents_label
from intentflow.calls import name_fault
from intentflow.errors import InputError
from intentflow.feedback.times import read_time
from intentflow.records import read_rows
from intentflow.storage import fetch

DATE_FIELDS = ("time", "date", "datetime", "timestamp", "created_at", "created")
TEXT_FIELDS = ("instruction", "text", "utterance")
MAX_WINDOWS = 5_000
MAX_YEAR = 9_900
"""Dates after it leave no room for the end of a window."""
LABEL_FIELDS = ("output", "label", "intent")


@dataclass(frozen=True)
class DatedRow:
    """A labelled utterance and its time.

    Attributes:
        time: The time in UTC.
        text: The utterance.
        label: Intents of the row in alphabetical order, as calls without parameters.
    """

    time: datetime
    text: str
    label: str


@dataclass(frozen=True)
class Fields:
    """Names of the fields of a row; the first known name that it has where None.

    Attributes:
        date: Field of the date.
        text: Field of the utterance.
        label: Field of the label.
    """

    date: str | None = None
    text: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Window:
    """The rows of a span of time.

    Attributes:
        start: First moment of the window, midnight in UTC.
        end: The first moment after it.
        rows: Rows of the window in the order of time.
    """

    start: datetime
    end: datetime
    rows: list[DatedRow]


def read_dated_rows(path: str | Path, fields: Fields | None = None) -> list[DatedRow]:
    """Read rows in the order of time.

    Args:
        path: A ``.csv`` or ``.tsv`` file with a head, a JSON array or JSON lines, local or on
            ``s3://``.
        fields: Names of the fields.

    Raises:
        InputError: A row lacks a field, its date is not ISO 8601, or its label does not parse.
    """
    named = fields or Fields()
    rows = [_row(document, f"{path} {where}", named) for where, document in _documents(path)]
    if not rows:
        raise InputError(f"{path}: the file contains no rows")
    return sorted(rows, key=lambda row: row.time)


def windows_of(rows: Sequence[DatedRow], days: int) -> list[Window]:
    """Cut rows into windows of equal length, without gaps; some may be empty.

    Args:
        rows: Rows in the order of time, at least one.
        days: Length of a window.

    Raises:
        InputError: There are more than 5,000 windows, as where the year of a date is wrong.

    Example:
        >>> rows = [DatedRow(datetime(2026, 11, day, 9, tzinfo=UTC), "a", "b()") for day in (2, 9)]
        >>> [(window.start.day, len(window.rows)) for window in windows_of(rows, 7)]
        [(2, 1), (9, 1)]
    """
    first, length = rows[0].time.date(), timedelta(days=days)
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    count = (rows[-1].time - start) // length + 1
    if count > MAX_WINDOWS or rows[-1].time.year > MAX_YEAR:
        raise InputError(
            f"the rows cover {count:,} windows of {days} days, from {first} to "
            f"{rows[-1].time.date()}: correct the dates, or raise --window-days (at most "
            f"{MAX_WINDOWS:,} windows)"
        )
    parts: list[list[DatedRow]] = [[] for _ in range(count)]
    for row in rows:
        parts[(row.time - start) // length].append(row)
    return [
        Window(start + at * length, start + (at + 1) * length, part)
        for at, part in enumerate(parts)
    ]


def _documents(path: str | Path) -> Iterator[tuple[object, Any]]:
    if not str(path).lower().endswith((".csv", ".tsv")):
        yield from read_rows(path)
        return
    try:
        with tempfile.TemporaryDirectory() as folder:
            text = fetch(path, folder).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start})") from None
    try:
        reader = csv.DictReader(
            io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text)
        )
        _require_names(path, reader.fieldnames or ())
        for row in reader:
            if None in row:
                raise InputError(
                    f"{path} line {reader.line_num}: more cells than the head; put texts that "
                    "contain the separator in double quotes"
                )
            yield f"line {reader.line_num}", row
    except csv.Error as error:
        raise InputError(f"{path}: not CSV ({error})") from None


def _delimiter(text: str) -> str:
    """What separates the names of the head; spreadsheets of many countries write semicolons."""
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


def _require_names(path: str | Path, names: Sequence[str]) -> None:
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{path} line 1: two columns are named {twice!r}; rename one")


def _row(document: Any, where: str, named: Fields) -> DatedRow:
    if not isinstance(document, Mapping):
        raise InputError(f"{where}: expected an object with a date, an utterance and a label")
    date = _field(document, where, named.date, DATE_FIELDS, "date", "--date-field")
    text = _field(document, where, named.text, TEXT_FIELDS, "utterance", "--field")
    label = _field(document, where, named.label, LABEL_FIELDS, "label", "--label-field")
    for name in (text, label):
        if not isinstance(document[name], str) or not document[name].strip():
            raise InputError(f"{where}: {name} is empty or not text")
    time = read_time(document[date], f"{where}: {date}")
    return DatedRow(time, document[text], _label(document[label].strip(), f"{where}: {label}"))


def _field(
    document: Mapping[Any, Any],
    where: str,
    named: str | None,
    known: Sequence[str],
    what: str,
    flag: str,
) -> str:
    names = [named] if named else known
    found = next((name for name in names if name in document), None)
    if found is None:
        have = ", ".join(str(name) for name in document if name is not None)[:200]
        raise InputError(
            f"{where}: no {what} ({', '.join(names)}); it has {have or 'no fields'}; name the "
            f"field with {flag}"
        )
    return found


def _label(text: str, where: str) -> str:
    label = intents_label(text)
    if label is None and name_fault(text) is None:
        label = intents_label(f"{text}()")
    if not label:
        raise InputError(f"{where}: {text[:60]!r} is neither calls nor the name of an intent")
    return label
