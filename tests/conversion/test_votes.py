"""Answers of several annotators in rows or files of their own."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.conversion import ConvertSummary, convert
from tests.conversion.rows import convert_content, converted, reasons


def doccano_files(path: Path, **answers: list[list[str]]) -> ConvertSummary:
    """Convert a folder of doccano's files, one a member; each gives labels example by example."""
    folder = path / "export"
    folder.mkdir()
    for member, labels in answers.items():
        rows = [
            {"id": n, "text": f"text {n}", "label": label, "Comments": []}
            for n, label in enumerate(labels)
        ]
        content = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{member}.jsonl").write_text(content)
    return convert([str(folder)], path / "out.jsonl")


def kept(path: Path) -> list[Any]:
    return [json.loads(line) for line in (path / "out.jsonl").read_text().splitlines()]


def flat(annotator: int, time: str = "", **fields: Any) -> dict[str, Any]:
    """A row of Label Studio's JSON-MIN export."""
    about = {"annotator": annotator, "annotation_id": 1, "lead_time": 2.5}
    return {"id": 7, "text": "play", **fields, **about, "created_at": time, "updated_at": time}


def test_the_majority_of_members_wins(tmp_path: Path) -> None:
    summary = doccano_files(tmp_path, ann=[["a()"]], bob=[["a()"]], eve=[["b()"]])
    assert kept(tmp_path) == [{"instruction": "text 0", "output": "a()"}]
    assert (summary.rows, summary.kept, summary.merged, summary.rejected) == (3, 1, 2, 0)


def test_members_who_disagree_are_a_tie_and_each_row_is_listed(tmp_path: Path) -> None:
    doccano_files(tmp_path, ann=[["a()"], ["b()"]], bob=[["a()"], ["c()"]])
    rejects = [json.loads(line) for line in (tmp_path / "out.rejects.jsonl").open()]
    assert [(Path(r["source"]).name, r["line"], r["reason"]) for r in rejects] == [
        ("ann.jsonl", 2, "tie"),
        ("bob.jsonl", 2, "tie"),
    ]


def test_a_member_who_gave_no_label_abstains(tmp_path: Path) -> None:
    doccano_files(tmp_path, ann=[[]], bob=[["a()"]])
    assert kept(tmp_path)[0]["output"] == "a()"


def test_an_example_that_nobody_labelled_is_rejected(tmp_path: Path) -> None:
    summary = doccano_files(tmp_path, ann=[[], ["a()"]], bob=[[], ["a()"]])
    assert summary.reasons == {"no_label": 2}


def test_the_same_id_with_another_text_is_another_example(tmp_path: Path) -> None:
    rows = [{"id": 1, "text": text, "label": [label]} for text, label in ("xa", "yb")]
    assert [row["output"] for row in converted(tmp_path, rows)] == ["a", "b"]


def test_rows_without_an_id_are_no_votes(tmp_path: Path) -> None:
    rows = [{"text": "x", "label": [label]} for label in "ab"]
    assert [row["output"] for row in converted(tmp_path, rows)] == ["a", "b"]


def test_a_vote_whose_text_is_half_a_character_is_rejected(tmp_path: Path) -> None:
    row = '{"id": 1, "text": "\\ud800", "label": ["a()"]}\n'
    assert reasons(tmp_path, row) == ["not_utf8"]


@pytest.mark.parametrize(
    "answer",
    [
        {"output": "a()"},
        {"output": "a()", "remark": "fine"},
        {"sentiment": "a()"},
        {"sentiment": ["a()"]},
        {"sentiment": {"choices": ["a()"]}, "note": "fine"},
        {"sentiment": [{"text": ["a()"]}]},
        {"sentiment": [{"taxonomy": [["a()"]]}]},
        {"intent": "a()", "dialogue_note": "fine"},
        {"sentiment": "a()", "rating": 4},
    ],
)
def test_the_answer_of_a_flat_annotation_is_found(tmp_path: Path, answer: dict[str, Any]) -> None:
    assert converted(tmp_path, [flat(1, **answer)])[0] == {"instruction": "play", "output": "a()"}


def test_several_choices_are_several_intents(tmp_path: Path) -> None:
    row = flat(1, intents={"choices": ["a()", "b()"]})
    assert converted(tmp_path, [row])[0]["output"] == "a(); b()"


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        ("no_label", {}),
        ("several_questions", {"x": "a()", "y": "b()"}),
        ("several_questions", {"x": ["a()"], "y": ["b()"]}),
        ("not_text", {"x": {"taxonomy": 3}}),
        ("blank_answer", {"x": " "}),
    ],
)
def test_a_flat_annotation_without_one_answer_is_rejected(
    tmp_path: Path, reason: str, answer: dict[str, Any]
) -> None:
    assert reasons(tmp_path, [flat(1, **answer)]) == [reason]


def test_a_named_field_of_a_flat_annotation_is_the_utterance(tmp_path: Path) -> None:
    row = flat(1, utterance="yes", sentiment="a()") | {"text": ""}
    assert converted(tmp_path, [row], field="utterance")[0]["instruction"] == "yes"


def test_flat_annotations_of_one_task_are_votes(tmp_path: Path) -> None:
    rows = [flat(1, output="a()"), flat(2, output="b()"), flat(3, output="a()")]
    assert [row["output"] for row in converted(tmp_path, rows)] == ["a()"]


def test_an_annotators_latest_annotation_counts(tmp_path: Path) -> None:
    rows = [flat(1, "2024-02", output="a()"), flat(1, "2024-01", output="b()")]
    assert [row["output"] for row in converted(tmp_path, rows)] == ["a()"]


def test_the_flat_table_is_read_like_the_flat_rows(tmp_path: Path) -> None:
    content = (
        "annotation_id,annotator,id,intents,text\n"
        '1,1,7,"{""choices"": [""a()"", ""b()""]}",play\n'
        "2,2,8,a(),stop\n"
    )
    (tmp_path / "export.csv").write_text(content)
    convert([str(tmp_path / "export.csv")], tmp_path / "out.jsonl")
    assert [row["output"] for row in kept(tmp_path)] == ["a(); b()", "a()"]


@pytest.mark.parametrize(("cell", "label"), [("a()#b()", "a(); b()"), ("a(C#)", "a(C#)")])
def test_doccanos_table_joins_labels_by_a_hash(tmp_path: Path, cell: str, label: str) -> None:
    (tmp_path / "all.csv").write_text(f"id,text,Comments,label\n1,play,,{cell}\n")
    convert([str(tmp_path / "all.csv")], tmp_path / "out.jsonl")
    assert kept(tmp_path)[0]["output"] == label


def test_votes_give_one_task_for_labellers(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(json.dumps([flat(1, output="a()"), flat(2, output="b()")]))
    convert([str(tmp_path / "in.json")], tmp_path / "tasks.jsonl", to="itag")
    lines = (tmp_path / "tasks.jsonl").read_text().splitlines()
    assert lines == ['{"data":{"instruction":"play"}}']


def test_votes_are_counted_alike_by_several_processes(tmp_path: Path) -> None:
    rows = [flat(n, output="ab"[n % 3 > 1]) | {"id": n // 3} for n in range(300)]
    one, two = (convert_content(tmp_path, rows, workers=workers) for workers in (1, 2))
    assert (one.digest, one.merged) == (two.digest, two.merged) != ("", 0)
