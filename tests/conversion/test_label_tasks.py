"""Records as tasks for a labelling tool."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.conversion import convert
from intentflow.conversion.label_tasks import Target
from intentflow.errors import IntentflowError
from tests.conversion.rows import itag_row, stage


def _tasks(path: Path, to: Target, *rows: Any) -> list[Any]:
    source = path / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = path / ("tasks.manifest" if to == "itag" else "tasks.json")
    convert([str(source)], out, to=to)
    text = out.read_text(encoding="utf-8")
    return list(map(json.loads, text.splitlines())) if to == "itag" else json.loads(text)


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "play", "output": "z()", "prediction": "a()"},
        {"instruction": "play", "output": "a()"},
        {"content": "play", "prediction": "a()"},
        itag_row("play", label=stage("a()")),
    ],
)
def test_the_prediction_or_else_the_label_is_the_pre_label(tmp_path: Path, row: Any) -> None:
    (task,) = _tasks(tmp_path, "itag", row)
    assert task["data"]["output"] == "a()"


def test_a_label_is_no_prediction(tmp_path: Path) -> None:
    row = {"instruction": "play", "output": "a()"}
    assert _tasks(tmp_path, "itag", row) == [{"data": {"instruction": "play", "output": "a()"}}]


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "play"},
        {"instruction": "play", "output": ""},
        {"instruction": "play", "prediction": None, "output": None},
        {"data": {"instruction": "play"}},
        itag_row("play", label=stage("a()", "b()")),
    ],
)
def test_a_row_without_a_label_is_a_task_all_the_same(tmp_path: Path, row: Any) -> None:
    assert _tasks(tmp_path, "itag", row) == [{"data": {"instruction": "play"}}]


def test_label_studio_gets_predictions(tmp_path: Path) -> None:
    (task,) = _tasks(tmp_path, "label-studio", {"instruction": "play", "output": "a()"})
    assert task["data"] == {"instruction": "play"}
    assert task["predictions"][0]["result"] == [
        {
            "from_name": "output",
            "to_name": "instruction",
            "type": "textarea",
            "value": {"text": ["a()"]},
        }
    ]


def test_label_studio_gets_no_prediction_where_there_is_none(tmp_path: Path) -> None:
    assert _tasks(tmp_path, "label-studio", {"instruction": "play"})[0]["predictions"] == []


def test_an_annotated_task_comes_back_as_the_record(tmp_path: Path) -> None:
    row = {"instruction": "play", "output": "a()"}
    (task,) = _tasks(tmp_path, "label-studio", row)
    task["annotations"] = [{"result": task["predictions"][0]["result"], "was_cancelled": False}]
    (tmp_path / "labelled.json").write_text(json.dumps([task]))
    convert([str(tmp_path / "labelled.json")], tmp_path / "back.json")
    assert json.loads((tmp_path / "back.json").read_text()) == [row | {"prediction": "a()"}]


@pytest.mark.parametrize("to", ["itag", "label-studio"])
def test_a_task_that_nobody_labelled_is_no_record(tmp_path: Path, to: Target) -> None:
    _tasks(tmp_path, to, {"instruction": "play", "prediction": "a()"})
    name = "tasks.manifest" if to == "itag" else "tasks.json"
    with pytest.raises(IntentflowError, match="no row was kept: no_label 1"):
        convert([str(tmp_path / name)], tmp_path / "back.json")


def test_a_row_without_an_utterance_is_rejected(tmp_path: Path) -> None:
    _tasks(tmp_path, "itag", {"instruction": "play"}, {"instruction": " "}, {"other": 1})
    lines = (tmp_path / "tasks.rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["reason"] for line in lines] == ["blank_text", "no_text"]


@pytest.mark.parametrize(("to", "out"), [("itag", "o.json"), ("label-studio", "o.jsonl")])
def test_a_file_that_the_tool_does_not_import_is_refused(
    tmp_path: Path, to: Target, out: str
) -> None:
    with pytest.raises(IntentflowError, match=f"tasks for {to} must end in"):
        convert(["x"], tmp_path / out, to=to)


def test_the_command_writes_tasks(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"instruction": "play"}\n')
    out = tmp_path / "tasks.manifest"
    assert main(["convert", str(tmp_path / "rows.jsonl"), "-o", str(out), "--to", "itag"]) == 0
    assert out.read_text() == '{"data":{"instruction":"play"}}\n'


def test_a_table_gives_tasks_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nplay,a()\n")
    convert([str(tmp_path / "a.csv")], tmp_path / "tasks.jsonl", to="itag")
    task = {"data": {"instruction": "play", "output": "a()"}}
    assert json.loads((tmp_path / "tasks.jsonl").read_bytes()) == task
