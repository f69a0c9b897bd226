"""A label as a choice and marks of Label Studio, and back."""

from __future__ import annotations

from typing import Any

import pytest

from intentflow.calls import parse_calls
from intentflow.conversion.export_format import RowRejected
from intentflow.review.marks import pre_label, read_label
from tests.review.queue import TAXONOMY

TEXT = "rain in Oslo or Oslo 😀 today"


def _questions(results: list[dict[str, Any]]) -> list[str]:
    return [str(one["from_name"]) for one in results]


def _chosen(intent: str) -> dict[str, Any]:
    return {"from_name": "intent", "type": "choices", "value": {"choices": [intent]}}


def _written(label: str) -> dict[str, Any]:
    return {"from_name": "output", "type": "textarea", "value": {"text": [label]}}


def _mark(name: str, text: str, start: int = 0) -> dict[str, Any]:
    place = {"start": start, "end": start + len(text), "text": text, "labels": [name]}
    return {"id": name, "from_name": "parameter", "type": "labels", "value": place}


@pytest.mark.parametrize(
    ("label", "questions"),
    [
        ("cancel()", ["intent"]),
        ("weather_search(Oslo)", ["intent", "parameter"]),
        ("weather_search(,today)", ["intent", "parameter"]),
        ("weather_search(Oslo,today)", ["intent", "parameter", "parameter"]),
        ("weather_search(Oslo,Oslo)", ["intent", "parameter", "parameter"]),
        ("weather_search(Oslo,tomorrow)", ["output"]),
        ("weather_search(Oslo,Oslo,Oslo)", ["output"]),
        ("cancel(); play_music(Oslo)", ["output"]),
        ("unknown()", ["output"]),
        ("no call", ["output"]),
    ],
)
def test_a_pre_label_is_marked_where_it_can_be(label: str, questions: list[str]) -> None:
    assert _questions(pre_label(label, TEXT, TAXONOMY)) == questions


@pytest.mark.parametrize(
    "label",
    [
        *(
            "cancel()",
            "weather_search(Oslo)",
            "weather_search(,today)",
            "weather_search(Oslo,Oslo)",
        ),
        *("weather_search(Oslo,tomorrow)", "cancel(); play_music(Oslo)"),
    ],
)
def test_an_accepted_pre_label_reads_as_the_prediction(label: str) -> None:
    read = read_label(pre_label(label, TEXT, TAXONOMY), TEXT, TAXONOMY)
    assert parse_calls(read) == parse_calls(label)


def test_a_mark_has_the_place_of_its_value() -> None:
    *_, mark = pre_label("weather_search(,today)", TEXT, TAXONOMY)
    assert TEXT[mark["value"]["start"] : mark["value"]["end"]] == "today"


def test_what_is_written_counts_before_marks() -> None:
    answer = [_chosen("weather_search"), _written("weather_search(Bergen)")]
    assert read_label(answer, TEXT, TAXONOMY) == "weather_search(Bergen)"


def test_a_blank_field_is_no_answer() -> None:
    assert read_label([_chosen("cancel"), _written(" ")], TEXT, TAXONOMY) == "cancel()"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], "no_answer"),
        ([_mark("place", "Oslo")], "no_answer"),
        ([_chosen("cancel"), _written("play_music(Oslo)")], "two_answers"),
        ([_chosen("cancel"), _mark("place", "Oslo")], "unknown_parameter"),
        ([_written("cancel(")], "malformed_output"),
        ([_written("stop()")], "off_taxonomy"),
        ([_chosen("gone")], "off_taxonomy"),
    ],
)
def test_an_answer_that_is_no_label_has_a_reason(answer: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(RowRejected) as rejected:
        read_label(answer, TEXT, TAXONOMY)
    assert rejected.value.reason == reason
