"""doccano: JSON lines or CSV of text classification and sequence-to-sequence projects.

``{"text", "label": ["…"]}``, the older ``labels`` and the oldest ``annotations`` of
``{"label" or "text", "user"}``. Unless a project is collaborative, each member's labels are in a
separate file, ``<user name>.jsonl``, which contains every example under the same ``id``, unlabelled
if that member gave no label. Design decision: several labels are several intents; in
``annotations`` each user has one vote, and so has each row with the same ``id`` and text. Spans
(sequence labelling, relations, slots) do not define a call and are rejected.

The CSV export has the columns ``id``, ``text`` (``data`` in another version, as in its JSON
lines), ``label`` and the project's own, and joins several labels by ``#``.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Any

from intentflow.conversion.agreement import join_labels, majority
from intentflow.conversion.chat import is_call
from intentflow.conversion.columns import TEXT_FIELDS
from intentflow.conversion.export_format import (
    Ballot,
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    find_text,
    label_text,
    peek_text,
)
from intentflow.conversion.label_values import json_label

_LABELS = ("label", "labels", "cats")
_HEADERS = ({"id", "text", "label"}, {"id", "data", "label"})
_FULL_HEADER = {"id", "text", "label", "Comments"}  # the texts' other fields follow
_MARKS = re.compile(
    r'(?<=[(,（，])\s*"(?:[^"\\]|\\.)*"(?=\s*[,)，）])'  # a quoted value
    r"|[#()（）]"
)
_NAME = re.compile(r'[^\s"(),;（），；](?:[^"(),;（），；\r\n]*[^\s"(),;（），；])?')


def recognises(row: Row) -> bool:
    """Whether the row has a text and one of doccano's names for labels."""
    named = any(key in row for key in _LABELS) or isinstance(row.get("annotations"), list)
    return named and (any(key in row for key in TEXT_FIELDS) or (_has_data(row) and "id" in row))


def recognises_header(columns: AbstractSet[str]) -> bool:
    """Whether these are the columns of doccano's CSV."""
    return columns in _HEADERS or columns >= _FULL_HEADER


def with_text(row: Row) -> Row:
    """Rename the field that some versions call ``data`` to ``text``."""
    named = any(key in row for key in _LABELS)
    if not named or not _has_data(row) or any(key in row for key in TEXT_FIELDS):
        return row
    return row | {"text": row["data"]}


def from_cells(row: Row) -> Row:
    """Convert a row of the CSV export, which has several labels in one cell."""
    label = row.get("label")
    return row | {"label": split_labels(label)} if isinstance(label, str) else row


def split_labels(cell: str) -> list[str]:
    """Split a cell into its labels, joined by ``#``; a ``#`` inside a call's values is text.

    A cell whose parts are not all calls or names is one label.
    """
    pieces, start, depth = [], 0, 0
    for mark in _MARKS.finditer(cell):
        if mark[0] in "(（":
            depth += 1
        elif mark[0] in ")）":
            depth = max(depth - 1, 0)
        elif mark[0] == "#" and not depth:
            pieces.append(cell[start : mark.start()])
            start = mark.end()
    pieces.append(cell[start:])
    return pieces if all(is_call(it) or _NAME.fullmatch(it) for it in pieces) else [cell]


def _has_data(row: Row) -> bool:
    return isinstance(row.get("data"), str)


def read(row: Row, options: Options) -> LabelledRow:
    """Read the row's text and label.

    Raises:
        RowRejected: The row is not labelled, labelled with spans, tied, or malformed.
    """
    row = with_text(row)
    ballot = _ballot(row, options)
    try:
        return label_text(row, options, _output(row, options))._replace(ballot=ballot)
    except RowRejected as rejected:
        raise RowRejected(rejected.reason, ballot) from None


def _ballot(row: Row, options: Options) -> Ballot | None:
    """The key that the rows of several members for one example share."""
    number = row.get("id")
    if not isinstance(number, (int, str)):
        return None
    return Ballot(f"{number} {find_text(row, options)}")


def _output(row: Row, options: Options) -> str:
    if row.get("entities") or row.get("relations"):
        raise RowRejected("spans")
    names = (*options.labels, *_LABELS)
    label = next((row[key] for key in names if row.get(key) is not None), None)
    annotations = row.get("annotations")
    if label is None and isinstance(annotations, list):
        output = majority(_votes(annotations), peek_text(row, options)) if annotations else ""
    else:
        output = _joined(label)
    if not output:
        raise RowRejected("no_label")
    return majority([output])


def _joined(label: Any) -> str:
    labels = label if isinstance(label, list) else [] if label is None else [label]
    if calls := json_label(labels or None):
        return calls
    if any(isinstance(item, (list, dict)) for item in labels):
        raise RowRejected("spans")
    return join_labels(labels)


def _votes(annotations: list[Any]) -> list[str]:
    """One label per user."""
    by_user: dict[str, list[Any]] = {}
    for item in annotations:
        if not isinstance(item, dict):
            raise RowRejected("not_text")
        if "start_offset" in item:
            raise RowRejected("spans")
        by_user.setdefault(str(item.get("user")), []).append(item.get("text", item.get("label")))
    return [join_labels(labels) for labels in by_user.values()]


DOCCANO = Format("doccano", recognises, read, from_cells=from_cells)
