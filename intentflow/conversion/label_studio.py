"""Label Studio: tasks of the JSON export, ``{"data", "annotations", "predictions"}``.

Flat rows of the JSON-MIN export are left to :mod:`intentflow.conversion.label_studio_min`.

An annotation that was skipped (``was_cancelled``) does not count; a task with no other is
rejected as abandoned. Predictions are pre-labels and never count. Design decision: if annotations
are marked ``ground_truth``, only those count; of several annotations by one annotator the latest
counts; the majority of annotators wins; the answer is the control named ``output``, or the only one
that contains text (``textarea``, ``choices``, ``taxonomy``); several choices of one control are
several intents, and of a taxonomy's path the last step counts.
"""

from __future__ import annotations

from typing import Any

from intentflow.conversion import label_studio_min
from intentflow.conversion.agreement import join_labels, majority, one_answer
from intentflow.conversion.export_format import (
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    label_text,
    peek_text,
)

_ANSWERS = ("annotations", "completions")  # the second is the name before version 1.0


def recognises(row: Row) -> bool:
    """Whether the row is a task, or a flat annotation."""
    if label_studio_min.recognises(row):
        return True
    return isinstance(row.get("data"), dict) and any(
        isinstance(row.get(key), list) for key in (*_ANSWERS, "predictions")
    )


def read(row: Row, options: Options) -> LabelledRow:
    """Read the task's text and the annotators' answer.

    Raises:
        RowRejected: The task is skipped, not annotated, tied, or malformed.
    """
    if label_studio_min.recognises(row):
        return label_studio_min.read(row, options)
    annotations = _annotations(row)
    if not annotations:
        raise RowRejected("no_label")
    kept = [item for item in annotations if not item.get("was_cancelled")]
    if not kept:
        raise RowRejected("abandoned")
    decisive = [item for item in kept if item.get("ground_truth")] or kept
    answers = [answer for item in _latest(decisive) for answer in _answers(item)]
    if not answers:
        raise RowRejected("no_answer")
    data = row.get("data")
    if not isinstance(data, dict):
        raise RowRejected("no_text")
    return label_text(data, options, majority(answers, peek_text(data, options)))


def _annotations(row: Row) -> list[Row]:
    lists = [found for key in _ANSWERS if isinstance(found := row.get(key), list)]
    return [item for item in lists[0] if isinstance(item, dict)] if lists else []


def _latest(annotations: list[Row]) -> list[Row]:
    """The latest annotation of each annotator, and all without an annotator's name."""
    by_annotator: dict[str, Row] = {}
    for position, item in enumerate(annotations):
        who = item.get("completed_by")
        key = str(who.get("id") if isinstance(who, dict) else who) if who else f"#{position}"
        if key not in by_annotator or _time(item) >= _time(by_annotator[key]):
            by_annotator[key] = item
    return list(by_annotator.values())


def _time(annotation: Row) -> str:
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _answers(annotation: Row) -> list[str]:
    """The answer of one annotator: one label, or none."""
    results = annotation.get("result")
    questions: dict[str, list[Any]] = {}
    for result in results if isinstance(results, list) else ():
        if isinstance(result, dict) and (labels := _labels(result)):
            questions.setdefault(str(result.get("from_name", "")), []).extend(labels)
    answers = [(name, join_labels(labels)) for name, labels in questions.items()]
    return one_answer(answers)


def _labels(result: Row) -> list[Any]:
    value = result.get("value")
    if not isinstance(value, dict):
        return []
    match result.get("type"):
        case "textarea":
            return _as_list(value.get("text"))
        case "choices":
            return _as_list(value.get("choices"))
        case "taxonomy":
            paths = _as_list(value.get("taxonomy"))
            return [path[-1] if isinstance(path, list) and path else path for path in paths]
    return []


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


LABEL_STUDIO = Format("label-studio", recognises, read)
