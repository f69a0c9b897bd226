"""The review queue: which requests are chosen, and why."""

from __future__ import annotations

from datetime import datetime

from intentflow.artifacts.request_log import LoggedRequest
from intentflow.feedback.queue_criteria import drifting_intents, new_clusters
from intentflow.feedback.review_queue import review_queue
from intentflow.feedback.service_log import TimedRequest
from tests.feedback.service_logs import request


def _asked(
    text: str,
    confidence: float | None = 0.9,
    *,
    prediction: str = "play()",
    at: str = "2026-11-02T09:00:00+00:00",
    model: str = "a" * 64,
) -> TimedRequest:
    document = request(text, text, prediction, confidence=confidence, model_digest=model, time=at)
    line = LoggedRequest.from_mapping(document, "line")
    return TimedRequest(line, datetime.fromisoformat(at))


def _reasons(requests: list[TimedRequest], **options: object) -> dict[str, str]:
    rows = review_queue(requests, budget=10, **options)  # type: ignore[arg-type]
    return {row.instruction: row.reason for row in rows}


def _one(requests: list[TimedRequest], **options: object) -> str:
    (row,) = review_queue(requests, budget=1, **options)  # type: ignore[arg-type]
    return row.instruction


def test_the_request_with_the_lowest_confidence_comes_first() -> None:
    assert _one([_asked("sure", 0.99), _asked("unsure", 0.2), _asked("fair", 0.6)]) == "unsure"


def test_with_a_threshold_the_request_nearest_to_it_is_chosen_too() -> None:
    rows = [_asked("a", 0.1), _asked("b", 0.2), _asked("near", 0.71), _asked("c", 0.9)]
    assert _reasons(rows, threshold=0.7)["near"] == "near_threshold"


def test_an_utterance_that_two_models_answer_differently_comes_first() -> None:
    rows = [
        _asked("unsure", 0.1),
        _asked("both", 0.9),
        _asked("both", 0.9, prediction="stop()", model="c" * 64),
    ]
    assert _one(rows) == "both"
    assert _reasons(rows)["both"] == "models_differ"


def test_two_notations_of_one_answer_are_no_difference() -> None:
    rows = [
        _asked("both", prediction="a(); b()"),
        _asked("both", prediction="b();a( )", model="c" * 64),
    ]
    assert _reasons(rows) == {"both": "least_confident"}


def test_a_request_unlike_all_labelled_rows_is_chosen() -> None:
    rows = [_asked("play some jazz now", 0.1), _asked("book a table for two", 0.9)]
    known = ["play some jazz", "play some rock"]
    assert _reasons(rows, known=known)["book a table for two"] == "unlike_known"


CARDS = [f"{start}freeze my card" for start in ("", "please ", "now ", "hey ")]
BAGS = [f"{start}where is the bag" for start in ("", "so ", "and ")]


def test_requests_that_are_like_each_other_are_clusters_the_largest_first() -> None:
    assert new_clusters([*BAGS, "hello", *CARDS]) == [[4, 5, 6, 7], [0, 1, 2]]


def test_a_request_of_the_largest_new_cluster_is_chosen() -> None:
    rows = [_asked(text, None) for text in (*CARDS, *BAGS, "hello", "sing")]
    (row,) = review_queue(rows, budget=1, known=["play some jazz"])
    assert (row.reason, row.instruction in CARDS) == ("new_cluster", True)


def test_requests_unlike_each_other_are_no_cluster() -> None:
    rows = [_asked(text, None) for text in ("freeze my card", "where is the bag", "sing along")]
    assert "new_cluster" not in _reasons(rows, known=["play some jazz"]).values()


def test_a_request_of_a_drifting_intent_is_chosen() -> None:
    rows = [_asked("a", None), _asked("b", None, prediction="stop()"), _asked("c", None)]
    assert _reasons(rows, drifting=["stop"])["b"] == "drifting_intent"


def test_an_intent_that_is_asked_more_often_than_its_rows_drifts() -> None:
    labels = ["play()", "stop()"] * 100
    assert drifting_intents(labels, ["play()", "stop()", "stop()"] * 60) == ["stop"]
    assert drifting_intents(labels, labels) == []


def test_few_rows_show_no_drift() -> None:
    assert drifting_intents(["play()"] * 99, ["stop()"] * 200) == []


def test_an_utterance_is_queued_once_with_its_number_of_requests() -> None:
    rows = [_asked("Stop it", at="2026-11-02T09:00:00+00:00"), _asked("stop  it")]
    (row,) = review_queue(rows, budget=10)
    assert row.requests == 2


def test_the_latest_answer_is_the_pre_label() -> None:
    rows = [
        _asked("stop it", prediction="new()", at="2026-11-03T09:00:00+00:00"),
        _asked("stop it", prediction="old()"),
    ]
    (row,) = review_queue(rows, budget=10)
    assert row.prediction == "new()"


def test_a_labelled_utterance_is_not_queued() -> None:
    assert _reasons([_asked("Stop it")], labelled={"stop it"}) == {}


def test_the_budget_bounds_the_queue() -> None:
    rows = [_asked(f"row {number}", number / 100) for number in range(50)]
    assert len(review_queue(rows, budget=7, threshold=0.3)) == 7


def test_no_budget_queues_nothing() -> None:
    assert review_queue([_asked("row")], budget=0) == []


def test_criteria_take_turns() -> None:
    rows = [_asked(f"row {number}", number / 100) for number in range(90)]
    found = list(_reasons(rows, threshold=0.8).values())
    assert [found.count(it) for it in ("least_confident", "near_threshold", "drawn")] == [4, 3, 3]


def test_requests_without_a_confidence_are_drawn() -> None:
    rows = [_asked(f"row {number}", None) for number in range(3)]
    assert set(_reasons(rows).values()) == {"drawn"}


def test_the_same_log_gives_the_same_queue_in_any_order() -> None:
    rows = [_asked(f"row {number}", (number % 5) / 5) for number in range(60)]
    assert _reasons(rows, threshold=0.5) == _reasons(rows[::-1], threshold=0.5)
