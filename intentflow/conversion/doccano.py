"""doccano: JSON lines or CSV of text classification and sequence-to-sequence projects.

``{"text", "label": ["…"]}``, the older ``labels`` and the oldest ``annotations`` of
``{"label" or "text", "user"}``. Unless a project is collaborative, each member's labels are in a
separate file, ``<user name>.jsonl``, which contains every example under the same ``id``, unlabelled
if that member gave no label. Design decision: several labels are several intents; in
``annotations`` each user has one vote, and so has each row with the same ``id`` and text. Spans
(sequence labelling, relations, slots) do not define a call and are rejected, unless they are
parameters of the class next to them (``--parameters-from-spans``).

spaCy's ``{"text", "cats": {"play()": 1.0, "stop()": 0.0}}`` is read too: each category with at
least half of the weight is a label.

The CSV export has the columns ``id``, ``text`` (``data`` in another version, as in its JSON
lines), ``label`` and the project's own, and joins several labels by ``#``.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Any

from intentflow.conversion.agreement import Election, elect, join_labels, majority
from intentflow.conversion.chat import is_call
from intentflow.conversion.columns import TEXT_FIELDS
from intentflow.conversion.export_format import (
    AnnotatorAnswer,
    Ballot,
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    field_value,
    find_text,
    label_text,
    peek_text,
)
from intentflow.conversion.json_labels import class_of, is_json_label, json_label, require_one_text
from intentflow.conversion.label_values import with_slots
from intentflow.conversion.parameter_order import NamedValue, ParameterOrder
from intentflow.conversion.parameters import labels_with_spans

_LABELS = ("label", "labels", "cats")
_MIN_WEIGHT = 0.5
_SPAN_PARTS = 3
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
        found = _output(row, options)
        label = with_slots(found.label, row, options.order)
        labelled = label_text(row, options, label)
        return labelled._replace(ballot=ballot, answers=found.answers, annotators=found.annotators)
    except RowRejected as rejected:
        raise RowRejected(rejected.reason, ballot, rejected.answers) from None


def _ballot(row: Row, options: Options) -> Ballot | None:
    """The key that the rows of several members for one example share."""
    number = row.get("id")
    if not isinstance(number, (int, str)):
        return None
    return Ballot(f"{number} {find_text(row, options)}", is_file_of_annotator=True)


def _output(row: Row, options: Options) -> Election:
    spans = _spans(row, options)
    names = (*options.labels, *_LABELS)
    classes = next(
        (found for key in names if (found := _classes(field_value(row, key), options.order))), []
    )
    if spans and not (options.spans and classes):
        raise RowRejected("spans")
    annotations = row.get("annotations")
    if isinstance(annotations, list) and all(row.get(key) is None for key in names):
        if not annotations:
            raise RowRejected("no_label")
        return elect(_votes(annotations), peek_text(row, options))
    if options.spans and all(isinstance(label, str) for label in classes):
        output = join_labels(labels_with_spans(classes, spans, options.order))
    else:
        output = join_labels(classes)
    if not output:
        raise RowRejected("no_label")
    return Election(majority([output]))


def _classes(label: Any, order: ParameterOrder | None) -> list[Any]:
    """The labels for the complete text: all that are not spans."""
    label = class_of(label) if isinstance(label, dict) else label
    if isinstance(label, dict) and not is_json_label(label):  # spaCy's categories
        require_one_text(label)
        return [name for name, weight in label.items() if _is_given(weight)]
    labels = label if isinstance(label, list) else [] if label is None else [label]
    if calls := json_label(labels, order):
        return [calls]
    return [item for item in labels if not isinstance(item, (list, dict))]


def _is_given(weight: Any) -> bool:
    return isinstance(weight, (int, float)) and weight >= _MIN_WEIGHT


def _spans(row: Row, options: Options) -> list[NamedValue]:
    """The labelled spans of the text.

    Raises:
        RowRejected: ``spans`` if one has no positions or no name.
    """
    if row.get("relations") and not options.spans:
        raise RowRejected("spans")
    fields = dict.fromkeys((*options.labels, *_LABELS))
    labels = [row.get(key) for key in fields if not is_json_label(row.get(key))]
    found = [row.get("entities"), *labels]
    items = [item for value in found if isinstance(value, list) for item in value]
    text = find_text(row, options)
    return [_span(item, text) for item in items if isinstance(item, (list, dict))]


def _span(item: Any, text: str) -> NamedValue:
    if isinstance(item, dict):
        item = [item.get("start_offset"), item.get("end_offset"), item.get("label")]
    start, end, label = item if len(item) == _SPAN_PARTS else (None, None, None)
    if isinstance(start, int) and isinstance(end, int) and isinstance(label, str):
        return NamedValue((label,), text[start:end], start)
    raise RowRejected("spans")


def _votes(annotations: list[Any]) -> list[AnnotatorAnswer]:
    """One answer per user."""
    by_user: dict[str, list[Any]] = {}
    for item in annotations:
        if not isinstance(item, dict):
            raise RowRejected("not_text")
        if "start_offset" in item:
            raise RowRejected("spans")
        user = "" if item.get("user") is None else str(item["user"])
        by_user.setdefault(user, []).append(item.get("text", item.get("label")))
    return [AnnotatorAnswer(join_labels(labels), user) for user, labels in by_user.items()]


DOCCANO = Format("doccano", recognises, read, from_cells=from_cells)
