"""Label Studio: the JSON-MIN and CSV exports, one flat row per annotation.

The fields of the task's ``data`` and the controls' answers are on one level with ``id``,
``annotator``, ``annotation_id``, ``created_at``, ``updated_at`` and ``lead_time``. An answer is a
text, a list, or an object such as ``{"choices": ["…"]}`` for several answers. Skipped annotations
are not exported. Design decision: the answer is the field named ``output``, ``label`` or
``intent``, otherwise the only field with a list or object of answers, otherwise the only other
text; rows of one task are its annotators' votes.
"""

from __future__ import annotations

from typing import Any

import orjson

from intentflow.conversion.agreement import join_labels, majority
from intentflow.conversion.columns import TEXT_FIELDS, fold
from intentflow.conversion.export_format import (
    DIALOGUE_FIELDS,
    Ballot,
    LabelledRow,
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


def read(row: Row, options: Options) -> LabelledRow:
    """Read the task's text and this annotator's answer.

    Raises:
        RowRejected: The row is not annotated, answers several questions, or is malformed.
    """
    text = find_text(row, options)
    time = str(row.get("updated_at") or row.get("created_at") or "")
    ballot = Ballot(f"{row.get('id')} {text}", str(row.get("annotator") or ""), time)
    try:
        output = majority([join_labels(_answer(row, options))])
    except RowRejected as rejected:
        raise RowRejected(rejected.reason, ballot) from None
    return label_text(row, options, output)._replace(ballot=ballot)


def from_cells(row: Row) -> Row:
    """Convert a row of the CSV export, whose cells contain lists and objects as JSON."""
    return {name: _parsed(cell) for name, cell in row.items()}


def _parsed(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(("[", "{")):
        return cell
    try:
        return orjson.loads(cell)
    except ValueError:
        return cell


def _answer(row: Row, options: Options) -> list[Any]:
    """The answers to the question for the label."""
    for name in options.labels:
        if row.get(name):
            return _labels(row[name])
    known = _ABOUT | {*DIALOGUE_FIELDS, options.field}
    others = {
        key: value
        for key, value in row.items()
        if key not in known and fold(key) not in TEXT_FIELDS and value
    }
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
    """The labels of an answer; for a taxonomy's path, its last step."""
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
