"""Rows of the review queue as tasks of a Label Studio project, and its export as corrections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from intentflow.artifacts.feedback import QueuedRequest
from intentflow.artifacts.request_log import LoggedCorrection
from intentflow.conversion.export_format import RowRejected
from intentflow.conversion.label_studio import latest_annotations
from intentflow.conversion.label_studio_answers import time_of
from intentflow.feedback.times import read_time
from intentflow.review.marks import pre_label, read_label
from intentflow.taxonomy import Taxonomy

ANNOTATOR = "label-studio"
"""Beginning of the name of an annotator, before the id that Label Studio gave the person."""
MODEL_VERSION = "intentflow"
"""Name under which Label Studio has the pre-labels."""


class _TaskData(BaseModel):
    """The data of a task, from which its labels become corrections."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    instruction: str
    request_id: str
    prediction: str
    model_digest: str | None = None


@dataclass
class ReviewedTasks:
    """The content of a project's export.

    Attributes:
        tasks: Number of tasks.
        corrections: A correction for each annotator's latest answer, in the order of the tasks.
        left_out: Number of answers that are no labels, by reason; tasks without an answer are
            not counted.
    """

    tasks: int = 0
    corrections: list[LoggedCorrection] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def as_task(row: QueuedRequest, taxonomy: Taxonomy) -> dict[str, Any]:
    """A task with the model's answer as pre-label.

    Args:
        row: Row of the review queue, redacted.
        taxonomy: Intents and parameters of the project's form.
    """
    data = row.model_dump(
        include={"instruction", "prediction", "confidence", "reason", "request_id", "model_digest"}
    )
    results = pre_label(row.prediction, row.instruction, taxonomy)
    prediction: dict[str, Any] = {"model_version": MODEL_VERSION, "result": results}
    if row.confidence is not None:
        prediction["score"] = row.confidence
    return {"data": data, "predictions": [prediction] if results else []}


def task_key(data: Mapping[str, Any]) -> tuple[object, object]:
    """Key of a task: its request and utterance.

    Args:
        data: The data of a task.
    """
    return data.get("request_id"), data.get("instruction")


def read_tasks(export: Iterable[Mapping[str, Any]], taxonomy: Taxonomy) -> ReviewedTasks:
    """The corrections in an export (Label Studio's JSON).

    Tasks that others have added to the project have no request; they count among the tasks alone.

    Args:
        export: Tasks with their annotations.
        taxonomy: Intents and parameters of the project's form.
    """
    found = ReviewedTasks()
    for task in export:
        found.tasks += 1
        try:
            data = _TaskData.model_validate(task.get("data"))
            annotations = latest_annotations(dict(task))
        except (ValidationError, RowRejected):
            continue
        _add(found, data, annotations, taxonomy)
    return found


def _add(
    found: ReviewedTasks,
    data: _TaskData,
    annotations: Sequence[Mapping[str, Any]],
    taxonomy: Taxonomy,
) -> None:
    for annotation in annotations:
        try:
            label = read_label(annotation.get("result"), data.instruction, taxonomy)
        except RowRejected as rejected:
            found.left_out[rejected.reason] += 1
            continue
        found.corrections.append(_correction(data, annotation, label))


def _correction(data: _TaskData, annotation: Mapping[str, Any], label: str) -> LoggedCorrection:
    who = annotation.get("completed_by")
    number = who.get("id") if isinstance(who, Mapping) else who
    time = read_time(time_of(dict(annotation)), "annotation: updated_at").astimezone(UTC)
    return LoggedCorrection(
        request_id=data.request_id,
        time=time.isoformat(timespec="milliseconds"),
        model_digest=data.model_digest,
        prompt_digest="",
        instruction=data.instruction,
        output=label,
        prediction=data.prediction,
        annotator=f"{ANNOTATOR}:{number}" if number else ANNOTATOR,
    )
