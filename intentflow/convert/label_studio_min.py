"""Label Studio: the JSON-MIN and CSV exports, one flat row for each annotation.

The task's ``data`` and the controls' answers stand side by side, beside ``id``, ``annotator``,
``annotation_id``, ``created_at``, ``updated_at`` and ``lead_time``. An answer is a text, a list,
or an object such as ``{"choices": ["…"]}`` where several were given. Skipped annotations are not
exported. Our judgement: the answer is the field named ``output``, ``label`` or ``intent``, else
the only field of an answer's shape that no text, else the only other text; rows of one task are
its annotators' votes.
"""

from __future__ import annotations

from typing import Any

import orjson

from intentflow.convert.agreement import join_labels, majority
from intentflow.convert.export_format import (
    DIALOGUE_FIELDS,
    LABEL_FIELDS,
    TEXT_FIELDS,
    Ballot,
    Labelled,
    Options,
    Row,
    RowRejected,
    find_text,
    label_text,
)

_MARKS = ("annotator", "annotation_id")
_ABOUT = {"id", *_MARKS, "created_at", "updated_at", "lead_time", "agreement", "history"}
_ANSWERS = ("choices", "text", "taxonomy")


def recognises(row: Row) -> bool:
    """Whether the row is a flat annotation."""
    return all(mark in row for mark in _MARKS)


def read(row: Row, options: Options) -> Labelled:
    """The task's text and this annotator's answer.

    Raises:
        RowRejected: Not annotated, several questions answered, or of a bad shape.
    """
    text = find_text(row, options.field)
    time = str(row.get("updated_at") or row.get("created_at") or "")
    ballot = Ballot(f"{row.get('id')} {text}", str(row.get("annotator") or ""), time)
    try:
        output = majority([join_labels(_answer(row, options))])
    except RowRejected as rejected:
        raise RowRejected(rejected.reason, ballot) from None
    return label_text(row, options, output)._replace(ballot=ballot)


def from_cells(row: Row) -> Row:
    """A row of the CSV export: lists and objects are JSON in their cells."""
    return {name: _parsed(cell) for name, cell in row.items()}


def _parsed(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(("[", "{")):
        return cell
    try:
        return orjson.loads(cell)
    except ValueError:
        return cell


def _answer(row: Row, options: Options) -> list[Any]:
    """The labels given to the question that asks for the label."""
    for name in LABEL_FIELDS:
        if row.get(name):
            return _labels(row[name])
    known = _ABOUT | {*DIALOGUE_FIELDS, *TEXT_FIELDS, options.field}
    others = {key: value for key, value in row.items() if key not in known and value}
    shaped = [value for value in others.values() if _is_answer(value)]
    found = shaped or [value for value in others.values() if isinstance(value, str)]
    if not found:
        raise RowRejected("no_label")
    if len(found) > 1:
        raise RowRejected("several_questions")
    return _labels(found[0])


def _is_answer(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) or _is_answer(item) for item in value)
    return isinstance(value, dict) and any(key in value for key in _ANSWERS)


def _labels(value: Any) -> list[Any]:
    """The labels in an answer; of a taxonomy's path the last step."""
    if isinstance(value, list):
        return [label for item in value for label in _labels(item)]
    if not isinstance(value, dict):
        return [value]
    for key in ("choices", "text"):
        if key in value:
            return _labels(value[key])
    paths = value.get("taxonomy")
    if not isinstance(paths, list):
        raise RowRejected("not_text")
    return [path[-1] if isinstance(path, list) and path else path for path in paths]
