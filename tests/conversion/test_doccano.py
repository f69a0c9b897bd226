"""doccano exports."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import Call, format_calls
from intentflow.conversion.doccano import split_labels
from tests.conversion.rows import convert, converted, reasons


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ({"id": 1, "text": "play", "label": ["a()"], "Comments": []}, "a()"),
        ({"id": 1, "text": "play", "labels": ["a()"], "annotation_approver": None}, "a()"),
        ({"text": "play", "label": ["a()", "b()"]}, "a(); b()"),
        ({"text": "play", "label": ["a()", "a()"]}, "a()"),
        ({"text": "play", "label": "a()"}, "a()"),
        ({"text": "play", "cats": ["a()"], "entities": []}, "a()"),
        ({"text": "play", "annotations": [{"label": "a()", "user": 1}]}, "a()"),
        (
            {"text": "play", "annotations": [{"text": "a()", "user": user} for user in (1, 2)]},
            "a()",
        ),
    ],
)
def test_a_labelled_text_is_kept(tmp_path: Path, row: dict[str, Any], label: str) -> None:
    assert converted(tmp_path, [row]) == [{"instruction": "play", "output": label}]


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("no_label", {"text": "play", "label": []}),
        ("no_label", {"text": "play", "annotations": []}),
        ("spans", {"text": "play", "label": [[0, 4, "verb"]]}),
        ("spans", {"text": "play", "cats": ["a"], "entities": [[0, 4, "verb"]]}),
        ("spans", {"text": "play", "annotations": [{"label": 1, "start_offset": 0, "user": 1}]}),
        ("not_text", {"text": "play", "annotations": [{"label": 4, "user": 1}]}),
        ("not_text", {"text": "play", "label": [4]}),
        ("blank_text", {"text": " ", "label": ["a()"]}),
        ("tie", {"text": "p", "annotations": [{"text": t, "user": t} for t in ("a()", "b()")]}),
    ],
)
def test_other_rows_are_rejected(tmp_path: Path, reason: str, row: dict[str, Any]) -> None:
    assert reasons(tmp_path, [row]) == [reason]


def _from_table(path: Path, content: str, **options: Any) -> list[tuple[str, str]]:
    (path / "d.csv").write_text(content, encoding="utf-8")
    convert([str(path / "d.csv")], path / "out.jsonl", **options)
    rows = map(json.loads, (path / "out.jsonl").read_text(encoding="utf-8").splitlines())
    return [(row["instruction"], row["output"]) for row in rows]


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("text,label", "doccano"),
        ("data,label", "doccano"),
        ("id,text,label", "auto"),
        ("id,data,label", "auto"),
        ("label,id,data", "csv"),
    ],
)
def test_a_table_joins_labels_by_a_hash(tmp_path: Path, header: str, form: str) -> None:
    cells = {"id": "1", "text": "both", "data": "both", "label": "greet()#bye()"}
    content = f"{header}\n{','.join(cells[name] for name in header.split(','))}\n"
    assert _from_table(tmp_path, content, format=form) == [("both", "greet(); bye()")]


def test_a_hash_in_another_tools_table_joins_nothing(tmp_path: Path) -> None:
    content = "text,label\nboth,greet()#bye()\n"
    assert _from_table(tmp_path, content) == [("both", "greet()#bye()")]


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("greet", ["greet"]),
        ("greet#Play Music", ["greet", "Play Music"]),
        ("f(C#)", ["f(C#)"]),
        ("f(C#)#g(#(#))", ["f(C#)", "g(#(#))"]),
        ('f("a)#(b", "\\")#")#g()', ['f("a)#(b", "\\")#")', "g()"]),
        ("播放（C#）#停止（）", ["播放（C#）", "停止（）"]),
        ("channel #5", ["channel #5"]),
        ('"a#b"', ['"a#b"']),
        ("C#", ["C#"]),
        ("f(#g()", ["f(#g()"]),
        ("", [""]),
    ],
)
def test_a_hash_within_a_label_joins_nothing(cell: str, labels: list[str]) -> None:
    assert split_labels(cell) == labels


VALUES = st.text('a#(),;"\\ ', max_size=6)
CALLS = st.builds(Call, st.sampled_from(["f", "播放"]), st.lists(VALUES, max_size=3).map(tuple))


@given(st.lists(CALLS, min_size=1, max_size=3))
def test_any_joined_calls_are_parted_again(calls: list[Call]) -> None:
    labels = [format_calls([call]) for call in calls]
    assert split_labels("#".join(labels)) == labels


@pytest.mark.parametrize("form", ["auto", "doccano"])
def test_data_is_the_utterance_too(tmp_path: Path, form: str) -> None:
    row = {"id": 1, "data": "hi", "label": ["greet"]}
    expected = [{"instruction": "hi", "output": "greet"}]
    assert converted(tmp_path, [row], format=form) == expected


def test_unlabelled_data_is_a_task(tmp_path: Path) -> None:
    row = {"id": 1, "data": "hi", "label": []}
    assert converted(tmp_path, [row], to="itag") == [{"data": {"instruction": "hi"}}]
