"""Label Studio: the JSON-MIN and CSV exports, one flat row per annotation.

The fields of the task's ``data`` and the controls' answers are on one level with ``id``,
``annotator``, ``annotation_id``, ``created_at``, ``updated_at`` and ``lead_time``. An answer is a
text, a list, or an object such as ``{"choices": ["…"]}`` for several answers. Skipped annotations
are not exported. Design decision: the same answer counts as in the JSON export. Where no field has
a title of the label's, one with a list or object of answers comes before other texts, and if parts
of the text are marked, another text must be a call, because it may be about a part. Fields
written before ``id`` are the task's. Rows of one task are its annotators' votes.
"""

from __future__ import annotations

from typing import Any

import orjson

from intentflow.conversion.agreement import majority
from intentflow.conversion.chat import is_call
from intentflow.conversion.columns import TEXT_FIELDS, fold
from intentflow.conversion.dialogue_turns import find_labelled, turns_in
from intentflow.conversion.export_format import (
    DIALOGUE_FIELDS,
    Ballot,
    LabelledRow,
    Options,
    Row,
    RowRejected,
)
from intentflow.conversion.label_studio_answers import (
    StudioAnswers,
    as_list,
    chosen_label,
    is_region,
    is_titled,
    path_labels,
    spans_of,
    time_of,
    was_rejected,
)
from intentflow.conversion.parameter_order import NamedValue

_MARKS = ("annotator", "annotation_id")
_ABOUT = {"id", *_MARKS, "created_at", "updated_at", "lead_time", "agreement", "history"}
_ABOUT |= {"reviews", "last_action"}
_ANSWERS = ("choices", "taxonomy")


def recognises(row: Row) -> bool:
    """Whether the row is a flat annotation."""
    return all(mark in row for mark in _MARKS)


def read(row: Row, options: Options) -> LabelledRow:
    """Read the task's text and this annotator's answer.

    Raises:
        RowRejected: The row is not annotated, answers several questions, or is malformed.
    """
    labelled = find_labelled(row, options, "")
    text = labelled.instruction
    ballot = Ballot(f"{row.get('id')} {text}", str(row.get("annotator") or ""), time_of(row))
    try:
        if was_rejected(row):
            raise RowRejected("rejected")
        output = majority([_label(row, text, options)])
    except RowRejected as rejected:
        raise RowRejected(rejected.reason, ballot) from None
    return labelled._replace(output=output, ballot=ballot)


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


def _label(row: Row, text: str, options: Options) -> str:
    """The answer to the question for the label."""
    spans: list[NamedValue] = []
    has_regions = False
    questions: dict[str, list[Any]] = {}
    plain: dict[str, list[Any]] = {}
    for name, value in _answer_fields(row, text, options).items():
        regions = [item for item in as_list(value) if is_region(item)]
        has_regions |= bool(regions)
        spans += [span for region in regions for span in spans_of(region, text)]
        if isinstance(value, str):
            plain[name] = [value]
        elif not regions and _is_answer(value):
            questions[name] = _labels(value)
    titled = any(is_titled(name, options) for name in (*questions, *plain))
    found = {**questions, **plain} if titled or not questions else questions
    label = chosen_label(StudioAnswers(found, spans, has_regions), options)
    if has_regions and not titled and not is_call(label):
        raise RowRejected("several_questions")
    if not label and not found:
        raise RowRejected("no_label")
    return label


def _answer_fields(row: Row, text: str, options: Options) -> Row:
    """The fields that may be answers, without those of the task and of the export itself."""
    known = _ABOUT | {*DIALOGUE_FIELDS, options.field}
    found = {
        name: value
        for name, value in row.items()
        if name not in known
        and (fold(name) not in TEXT_FIELDS or name == options.label_field)
        and value
        and value != text
        and not turns_in(value)
    }
    of_task = _fields_before_id(row, options)
    answers = {name: value for name, value in found.items() if name not in of_task}
    return answers or found


def _fields_before_id(row: Row, options: Options) -> set[str]:
    """The task's fields, which the export writes before its own, unless their title is a label's.

    A tool that sorts keys writes ``annotator`` before ``id``; nothing is known from that order.
    """
    keys = list(row)
    if "id" not in row or keys.index("id") > keys.index("annotator"):
        return set()
    return {name for name in keys[: keys.index("id")] if not is_titled(name, options)}


def _is_answer(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) or _is_answer(item) for item in value)
    if not isinstance(value, dict):
        return False
    return any(key in value for key in _ANSWERS) or isinstance(value.get("text"), list)


def _labels(value: Any) -> list[Any]:
    """The labels of an answer."""
    items: list[Any] = []
    for item in as_list(value):
        if isinstance(item, dict):
            items += as_list(next(item[key] for key in (*_ANSWERS, "text") if key in item))
        else:
            items.append(item)
    return path_labels(items)
