"""An export of Label Studio as corrections of a service's log."""

from __future__ import annotations

from typing import Any

from intentflow.review.tasks import as_task, read_tasks
from tests.review.queue import TAXONOMY, queued

TASK = as_task(queued(1, "rain in Oslo", "play_music(Oslo)"), TAXONOMY)


def _answered(label: str, who: int = 7, hour: int = 9, **more: Any) -> dict[str, Any]:
    result = {"from_name": "output", "type": "textarea", "value": {"text": [label]}}
    time = f"2026-11-03T{hour:02}:00:00.123456Z"
    return {"result": [result], "completed_by": who, "updated_at": time, **more}


def _task(*annotations: dict[str, Any]) -> dict[str, Any]:
    return {**TASK, "id": 5, "annotations": list(annotations)}


def test_a_label_is_a_correction_of_its_request() -> None:
    (line,) = read_tasks([_task(_answered("weather_search(Oslo)"))], TAXONOMY).corrections
    assert (line.request_id, line.output) == ("r1", "weather_search(Oslo)")
    assert (line.instruction, line.prediction) == ("rain in Oslo", "play_music(Oslo)")
    assert (line.annotator, line.time) == ("label-studio:7", "2026-11-03T09:00:00.123+00:00")
    assert line.model_digest == "a" * 64


def test_the_latest_label_of_each_annotator_counts() -> None:
    answers = [_answered("cancel()", 7, 9), _answered("play_music()", 7, 11)]
    answers.append(_answered("weather_search()", 8, 10))
    found = read_tasks([_task(*answers)], TAXONOMY)
    assert [line.output for line in found.corrections] == ["play_music()", "weather_search()"]


def test_tasks_without_an_answer_are_counted_alone() -> None:
    skipped = _answered("cancel()", was_cancelled=True)
    found = read_tasks([_task(), _task(skipped), {"data": {"text": "x"}}], TAXONOMY)
    assert (found.tasks, found.corrections, dict(found.left_out)) == (3, [], {})


def test_answers_that_are_no_labels_are_counted_by_reason() -> None:
    found = read_tasks([_task(_answered("stop()")), _task(_answered("(("))], TAXONOMY)
    assert dict(found.left_out) == {"off_taxonomy": 1, "malformed_output": 1}


def test_a_task_has_the_confidence_of_its_pre_label() -> None:
    assert TASK["predictions"][0]["score"] == 0.4
    assert TASK["data"]["reason"] == "least_confident"
