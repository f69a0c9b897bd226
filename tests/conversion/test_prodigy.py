"""Prodigy's database: only what an annotator accepted is a label."""

from pathlib import Path
from typing import Any

import pytest

from tests.conversion.rows import converted, reasons

OPTIONS = [{"id": "play()", "text": "Music"}, {"id": "weather()", "text": "Weather"}]


def row(answer: str = "accept", **fields: Any) -> dict[str, Any]:
    return {"text": "play", "answer": answer, "_view_id": "classification", **fields}


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"label": "play()"}, "play()"),
        ({"options": OPTIONS, "accept": ["play()"]}, "play()"),
        ({"options": OPTIONS, "accept": ["play()", "weather()"]}, "play(); weather()"),
        ({"options": [{"id": 1, "text": "play()"}], "accept": [1]}, "play()"),
        ({"options": OPTIONS, "accept": ["play()"], "label": "weather()"}, "play()"),
        ({"user_input": "play()"}, "play()"),
    ],
)
def test_an_accepted_answer_is_the_label(
    tmp_path: Path, fields: dict[str, Any], label: str
) -> None:
    assert converted(tmp_path, [row(**fields)]) == [{"instruction": "play", "output": label}]


@pytest.mark.parametrize(
    ("reason", "example"),
    [
        ("rejected", row("reject", label="play()")),
        ("abandoned", row("ignore", label="play()")),
        ("rejected", row("reject", options=OPTIONS, accept=["play()"])),
        ("no_label", row(options=OPTIONS, accept=[])),
        ("spans", row(spans=[{"start": 0, "end": 4, "label": "VERB"}])),
        ("not_text", row(label=3)),
        ("blank_text", {**row(label="play()"), "text": " "}),
    ],
)
def test_other_answers_are_rejected(tmp_path: Path, reason: str, example: dict[str, Any]) -> None:
    assert reasons(tmp_path, [example]) == [reason]


def test_the_order_of_keys_does_not_matter(tmp_path: Path) -> None:
    example = row("reject", label="play()")
    assert reasons(tmp_path, [dict(reversed(example.items()))]) == ["rejected"]


def test_sessions_vote(tmp_path: Path) -> None:
    rows = [
        row(options=OPTIONS, accept=[label], _input_hash=1, _session_id=who)
        for who, label in enumerate(("play()", "weather()", "play()"), 1)
    ]
    assert converted(tmp_path, rows) == [{"instruction": "play", "output": "play()"}]


def test_a_sessions_latest_choice_counts(tmp_path: Path) -> None:
    rows = [
        row(options=OPTIONS, accept=[label], _input_hash=1, _session_id="a", _timestamp=time)
        for label, time in (("play()", 2), ("weather()", 1))
    ]
    assert converted(tmp_path, rows)[0]["output"] == "play()"


def test_two_labels_accepted_one_by_one_are_a_tie(tmp_path: Path) -> None:
    rows = [row(label=label, _input_hash=1, _session_id="a") for label in ("play()", "stop()")]
    assert reasons(tmp_path, rows) == ["tie", "tie"]


def test_a_question_whose_answer_is_accept_is_no_row_of_prodigy(tmp_path: Path) -> None:
    example = {"text": "accept?", "answer": "accept", "output": "yes()"}
    assert converted(tmp_path, [example])[0]["output"] == "yes()"
