"""Rows that name the dialogue they are from."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.conversion import convert
from intentflow.records import content_digest, read_records
from tests.conversion.rows import converted, itag_row, stage
from tests.conversion.test_ground_truth import job
from tests.conversion.test_label_studio import A

PLAIN = {"instruction": "play", "output": "a()"}


def _itag(**data: Any) -> dict[str, Any]:
    return {**itag_row(label=stage("a()")), "data": {"instruction": "play", **data}}


@pytest.mark.parametrize(
    ("row", "dialogue"),
    [
        (PLAIN | {"dialogue": "7"}, "7"),
        (PLAIN | {"dialogue_id": 7}, "7"),
        (PLAIN | {"session_id": " 7 "}, "7"),
        (_itag(conversation_id="7"), "7"),
        (_itag(dialogue_id=7, _itag_index=""), "7"),
        ({"data": {"text": "play", "session_id": "7"}, "annotations": [A]}, "7"),
        ({"source": "play", "dialogue_id": "7"} | job("x", "a()"), "7"),
        ({"text": "play", "label": ["a()"], "session_id": 7}, "7"),
        (
            {
                "conversation_id": 7,
                "messages": [
                    {"role": "user", "content": "play"},
                    {"role": "assistant", "content": "a()"},
                ],
            },
            "7",
        ),
    ],
)
def test_the_record_carries_the_dialogue(
    tmp_path: Path, row: dict[str, Any], dialogue: str
) -> None:
    assert converted(tmp_path, [row]) == [PLAIN | {"dialogue": dialogue}]


@pytest.mark.parametrize("value", [None, "", " ", True, ["turn"], {"id": 1}, 1.5])
def test_what_is_no_id_is_no_dialogue(tmp_path: Path, value: Any) -> None:
    assert converted(tmp_path, [PLAIN | {"dialogue": value}]) == [PLAIN]


def test_a_tables_column_names_the_dialogue(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label,session_id\nplay,a(),7\nstop,b(),\n")
    convert([str(tmp_path / "rows.csv")], tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").open()]
    assert [row.get("dialogue") for row in rows] == ["7", None]


def test_tasks_for_labellers_carry_the_dialogue(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(PLAIN | {"dialogue": "7"}))
    convert([str(tmp_path / "rows.jsonl")], tmp_path / "out.manifest", to="itag")
    task = json.loads((tmp_path / "out.manifest").read_text())
    assert task == {"data": PLAIN | {"dialogue": "7"}}


def test_the_digest_is_that_of_the_records(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(PLAIN | {"dialogue": "7"}))
    summary = convert([str(tmp_path / "rows.jsonl")], tmp_path / "out.json")
    assert summary.digest == content_digest(read_records(tmp_path / "out.json"))
