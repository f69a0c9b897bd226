"""Label Studio: tasks of the JSON export, and annotations in a target storage.

A task is ``{"data", "annotations", "predictions"}``; a target storage gets each annotation as a
file of its own, with its task under ``task``. Flat rows of the JSON-MIN export are left to
:mod:`intentflow.conversion.label_studio_min`.

An annotation that was skipped (``was_cancelled``, once ``skipped``) or that its last review
rejected does not count; a task with no other is rejected. Predictions are pre-labels: they never
count, and the last one is kept with the label. Design decision: if annotations are marked
``ground_truth``, only those count; of several annotations by one annotator the latest counts; the
majority of annotators wins; :mod:`intentflow.conversion.label_studio_answers` states which answer
of an annotation is the label.
"""

from __future__ import annotations

from typing import Any

from intentflow.conversion import label_studio_min
from intentflow.conversion.agreement import elect
from intentflow.conversion.dialogue_turns import find_labelled, find_utterance
from intentflow.conversion.export_format import (
    AnnotatorAnswer,
    Ballot,
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
)
from intentflow.conversion.label_studio_answers import (
    chosen_label,
    read_results,
    time_of,
    was_rejected,
)

_ANSWERS = ("annotations", "completions")  # the second is the name before version 1.0


def recognises(row: Row) -> bool:
    """Whether the row is a task, a flat annotation, or an annotation with its task."""
    if label_studio_min.recognises(row) or _is_stored(row):
        return True
    return isinstance(row.get("data"), dict) and any(
        isinstance(row.get(key), list) for key in (*_ANSWERS, "predictions")
    )


def read(row: Row, options: Options) -> LabelledRow:
    """Read the task's text and the annotators' answer.

    Raises:
        RowRejected: The task is skipped, not annotated, rejected, tied, or malformed.
    """
    if label_studio_min.recognises(row):
        return label_studio_min.read(row, options)
    if not _is_stored(row):
        return _read_task(row, _annotations(row), options)
    annotation = row if isinstance(row.get("result"), list) else row["annotation"]
    task = row["task"]
    ballot = _ballot(task, annotation)
    try:
        return _read_task(task, [annotation], options)._replace(ballot=ballot)
    except RowRejected as rejected:
        raise RowRejected(rejected.reason, ballot, rejected.answers) from None


def latest_annotations(task: Row) -> list[Row]:
    """The annotations of a task that count, the latest of each annotator.

    Args:
        task: Task of the JSON export.

    Raises:
        RowRejected: ``no_label``, ``abandoned`` or ``rejected``, if there is none.
    """
    return _latest(_countable(_annotations(task)))


def _is_stored(row: Row) -> bool:
    """Whether the row is an annotation with its task, from a storage or a webhook."""
    task = row.get("task")
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        return False
    return isinstance(row.get("result"), list) or isinstance(row.get("annotation"), dict)


def _ballot(task: Row, annotation: Row) -> Ballot | None:
    """The task's id, under which other files have its other annotations."""
    if task.get("id") is None:
        return None
    return Ballot(f"task {task['id']}", _annotator(annotation), time_of(annotation))


def _read_task(row: Row, annotations: list[Row], options: Options) -> LabelledRow:
    kept = _countable(annotations)
    data = row.get("data")
    if not isinstance(data, dict):
        raise RowRejected("no_text")
    text = _text_or_blank(data, options)
    decisive = [item for item in kept if item.get("ground_truth")] or kept
    labels = _labels_of(_latest(decisive), text, options)
    if not labels:
        raise RowRejected("no_answer")
    election = elect(labels, text)
    labelled = find_labelled(data, options, election.label)
    labelled = labelled._replace(prediction=_pre_label(row, text, options) or labelled.prediction)
    return labelled._replace(answers=election.answers, annotators=election.annotators)


def _pre_label(row: Row, text: str, options: Options) -> str:
    """The answer of a task's last prediction; empty without one that can be read."""
    given = row.get("predictions")
    predictions = [it for it in given if isinstance(it, dict)] if isinstance(given, list) else []
    for prediction in sorted(predictions, key=time_of, reverse=True):
        try:
            return chosen_label(read_results(prediction.get("result"), text), options)
        except RowRejected:
            continue
    return ""


def _countable(annotations: list[Row]) -> list[Row]:
    """The annotations that are neither skipped nor rejected."""
    if not annotations:
        raise RowRejected("no_label")
    answered = [it for it in annotations if not (it.get("was_cancelled") or it.get("skipped"))]
    if not answered:
        raise RowRejected("abandoned")
    kept = [item for item in answered if not was_rejected(item)]
    if not kept:
        raise RowRejected("rejected")
    return kept


def _labels_of(annotations: list[Row], text: str, options: Options) -> list[AnnotatorAnswer]:
    """One label per annotation that has one; marked spans alone are reported if none has."""
    labels: list[AnnotatorAnswer] = []
    only_spans = False
    for item in annotations:
        answers = read_results(item.get("result"), text)
        try:
            if answers.questions or answers.has_regions:
                labels.append(AnnotatorAnswer(chosen_label(answers, options), _annotator(item)))
        except RowRejected as rejected:
            if rejected.reason != "spans":
                raise
            only_spans = True
    if only_spans and not labels:
        raise RowRejected("spans")
    return labels


def _text_or_blank(data: Row, options: Options) -> str:
    try:
        return find_utterance(data, options)
    except RowRejected:  # reported after the label's own reasons
        return ""


def _annotations(row: Row) -> list[Row]:
    lists = [found for key in _ANSWERS if isinstance(found := row.get(key), list)]
    return [item for item in lists[0] if isinstance(item, dict)] if lists else []


def _latest(annotations: list[Row]) -> list[Row]:
    """The latest annotation of each annotator, and all without an annotator's name."""
    by_annotator: dict[str, Row] = {}
    for position, item in enumerate(annotations):
        key = _annotator(item) or f"#{position}"
        if key not in by_annotator or time_of(item) >= time_of(by_annotator[key]):
            by_annotator[key] = item
    return list(by_annotator.values())


def _annotator(annotation: Row) -> str:
    who: Any = annotation.get("completed_by")
    return str(who.get("id") if isinstance(who, dict) else who) if who else ""


LABEL_STUDIO = Format("label-studio", recognises, read)
