"""iTAG exports: which answer of a row counts."""

from pathlib import Path
from typing import Any

import pytest

from tests.conversion.rows import converted, itag_row, mark, reasons, stage

EMPTY: dict[str, Any] = {"results": []}
CUSTOM = {"questionId": "3", "data": "a()", "markTitle": "output", "type": "survey/value"}
REMARK = {"questionId": "4", "data": "fine", "markTitle": "remark", "type": "survey/value"}
BOX = {"questionId": "1", "data": [{"type": "image/polygon"}], "markTitle": "box", "type": "image"}
ENTITIES = {"objects": [{"result": {"NER": ["x"]}, "start": 0, "end": 1}], "empty": False}
OLDER = {"data": [{"data": "a()", "id": 1, "type": "survey/value"}], "id": "1", "type": "survey"}
ANNOTATIONS = {"annotations": [{"labels": {"output": "a()"}}]}


@pytest.mark.parametrize(
    "stages",
    [
        {"label": stage("a()")},
        {"system": stage("a()"), "label": stage("a()")},
        {"system": stage("z()"), "label": stage("a()")},
        {"label": stage("z()"), "check": stage("a()")},
        {"label": stage("z()"), "check": stage("y()"), "verify": stage("a()")},
        {"label": stage("a()"), "check": EMPTY, "verify": stage("")},
        {"label": EMPTY, "system": stage("a()")},
        {"system": stage("a()")},
        {"label": stage("a()", "z()", "a()")},
        {"label": {"results": [{"MarkResult": None}, {"MarkResult": mark("a()")}]}},
        {"label": {"results": [{"MarkResult": mark(None)}, {"MarkResult": mark("a()")}]}},
        {"label": {"results": [{"MarkResult": ANNOTATIONS}]}},
        {"label": stage("z()", abandonFlag=0), "check": stage("a()", abandonFlag="0")},
        {"label": {"results": [CUSTOM]}},
        {"label": {"results": [BOX, ENTITIES, REMARK, CUSTOM]}},
        {"label": {"results": [{**CUSTOM, "markTitle": "Single-choice"}]}},
        {"label": {"results": [CUSTOM, {**CUSTOM, "data": "z()"}, CUSTOM]}},
        {"label": {"results": [{**CUSTOM, "data": ["a()"], "type": "survey/multivalue"}]}},
        {"label": {"results": [{**CUSTOM, "data": ""}]}, "system": {"results": [CUSTOM]}},
        {"label": {"results": [OLDER]}},
    ],
)
def test_the_latest_human_label_counts(tmp_path: Path, stages: dict[str, Any]) -> None:
    assert converted(tmp_path, [itag_row("play", **stages)]) == [
        {"instruction": "play", "output": "a()"}
    ]


@pytest.mark.parametrize(
    ("reason", "stages"),
    [
        ("no_label", {}),
        ("empty_result", {"label": EMPTY}),
        ("empty_result", {"label": None, "system": {"results": None}}),
        ("empty_result", {"label": "text"}),
        ("blank_answer", {"label": stage("")}),
        ("blank_answer", {"label": stage("  "), "system": EMPTY}),
        ("no_answer", {"label": {"results": [{"MarkResult": mark(None, other="x")}]}}),
        ("no_answer", {"label": {"results": ["text"]}}),
        ("tie", {"label": stage("a()", "b()")}),
        ("tie", {"label": {"results": [CUSTOM, {**CUSTOM, "data": "z()"}]}}),
        ("several_questions", {"label": {"results": [REMARK, {**CUSTOM, "markTitle": "x"}]}}),
        ("no_answer", {"label": {"results": [BOX, ENTITIES]}}),
        ("no_answer", {"label": {"results": [{**CUSTOM, "data": None}]}}),
        ("not_text", {"label": {"results": [{**CUSTOM, "data": 3}]}}),
        ("duplicate_key", {"label": {"results": [{"MarkResult": '{"a": 1, "a": 2}'}]}}),
        ("bad_mark_result", {"label": {"results": [{"MarkResult": "{"}]}}),
        ("bad_mark_result", {"label": {"results": [{"MarkResult": "[]"}]}}),
        ("not_text", {"label": stage(3)}),
        ("abandoned", {"label": stage("a()", abandonFlag=1)}),
        ("abandoned", {"label": stage("a()"), "system": stage("a()", abandonFlag=1)}),
    ],
)
def test_a_row_without_a_clear_answer_is_rejected(
    tmp_path: Path, reason: str, stages: dict[str, Any]
) -> None:
    assert reasons(tmp_path, [itag_row("play", **stages)]) == [reason]


def test_an_abandoned_row_is_rejected_though_it_has_an_answer(tmp_path: Path) -> None:
    row = {**itag_row(label=stage("a()")), "abandonFlag": 1}
    assert reasons(tmp_path, [row]) == ["abandoned"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"instruction": " "}, "blank_text"),
        ({"instruction": 7}, "not_text"),
        ({"other": "x"}, "no_text"),
        ({}, "no_text"),
        (None, "no_text"),
    ],
)
def test_a_row_without_an_utterance_is_rejected(tmp_path: Path, data: Any, reason: str) -> None:
    row = {**itag_row(label=stage("a()")), "data": data}
    assert reasons(tmp_path, [row]) == [reason]


@pytest.mark.parametrize("field", ["instruction", "content", "source"])
def test_the_utterances_field_is_found(tmp_path: Path, field: str) -> None:
    row = {**itag_row(label=stage("a()")), "data": {field: "play"}}
    assert converted(tmp_path, [row])[0]["instruction"] == "play"


def test_pre_label_columns_are_ignored(tmp_path: Path) -> None:
    data = {"source": "play", "label": "z()", "output": "z()", "label-1": "z()"}
    row = {**itag_row(label=stage("a()")), "data": data, "label-prelabel": "z()"}
    assert converted(tmp_path, [row]) == [{"instruction": "play", "output": "a()"}]


def test_several_values_of_one_question_are_several_intents(tmp_path: Path) -> None:
    answer = {**CUSTOM, "data": ["a()", "b()"], "type": "survey/multivalue"}
    row = itag_row("play", label={"results": [answer]})
    assert converted(tmp_path, [row])[0]["output"] == "a(); b()"


def test_the_older_text_classification_is_read(tmp_path: Path) -> None:
    row = {"data": {"content": "Welcome"}, "label-p9fypszvupm9bh": {"results": [OLDER]}}
    assert converted(tmp_path, [row]) == [{"instruction": "Welcome", "output": "a()"}]


def test_a_named_field_is_taken_instead(tmp_path: Path) -> None:
    row = {**itag_row(label=stage("a()")), "data": {"instruction": "no", "question": "yes"}}
    assert converted(tmp_path, [row], field="question")[0]["instruction"] == "yes"


def test_jobs_that_agree_make_one_row(tmp_path: Path) -> None:
    row = itag_row(label=stage("a()")) | itag_row(job="2", label=stage("a()"))
    assert [found["output"] for found in converted(tmp_path, [row])] == ["a()"]


def test_jobs_that_disagree_are_a_conflict(tmp_path: Path) -> None:
    row = itag_row(label=stage("a()")) | itag_row(job="2", label=stage("b()"))
    assert reasons(tmp_path, [row]) == ["conflict"]


def test_a_job_without_an_answer_leaves_it_to_the_other(tmp_path: Path) -> None:
    row = itag_row(label=EMPTY) | itag_row(job="2", label=stage("b()"))
    assert converted(tmp_path, [row])[0]["output"] == "b()"


@pytest.mark.parametrize("job", ["2", "label-2"])
def test_a_named_job_decides(tmp_path: Path, job: str) -> None:
    row = itag_row(label=stage("a()")) | itag_row(job="2", label=stage("b()"))
    assert converted(tmp_path, [row], job=job)[0]["output"] == "b()"


def test_a_row_without_the_named_job_is_rejected(tmp_path: Path) -> None:
    rows = [itag_row(job="2", label=stage("b()")), itag_row(label=stage("a()"))]
    found = reasons(tmp_path, rows, job="2", format="itag")
    assert found == ["no_label", "no_label"]  # the plain row and the one of another job


def test_the_label_is_kept_as_written(tmp_path: Path) -> None:
    label = ' search( "a, b" ,c ) '
    assert converted(tmp_path, [itag_row(label=stage(label))])[0]["output"] == label
