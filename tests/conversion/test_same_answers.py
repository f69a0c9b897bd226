"""Answers that are the same calls count as the same, however they are written."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.conversion.label_meaning import meaning
from tests.conversion.rows import converted, itag_row, reasons, stage

TEXT = "greet me, then play jazz in 杭州 now"
SAME = (
    "greet(); play(jazz,杭州)",
    "play( jazz , 杭州 ) ;greet( )",
    "play（jazz，杭州）；greet（）",
)
OTHER = "stop()"
VOTES = [OTHER, SAME[0], OTHER, SAME[1], SAME[2]]


def _itag(*votes: str) -> list[dict[str, Any]]:
    return [itag_row(TEXT, label=stage(*votes))]


def _label_studio(*votes: str) -> list[dict[str, Any]]:
    return [{"data": {"text": TEXT}, "annotations": [_annotation(vote) for vote in votes]}]


def _annotation(vote: str) -> dict[str, Any]:
    value = {"text": [vote]}
    return {"result": [{"from_name": "output", "type": "textarea", "value": value}]}


def _doccano(*votes: str) -> list[dict[str, Any]]:
    return [{"id": 1, "text": TEXT, "label": [vote]} for vote in votes]


def _older_doccano(*votes: str) -> list[dict[str, Any]]:
    annotations = [{"text": vote, "user": user} for user, vote in enumerate(votes)]
    return [{"id": 1, "text": TEXT, "annotations": annotations}]


def _flat_label_studio(*votes: str) -> list[dict[str, Any]]:
    return [
        {"id": 1, "text": TEXT, "output": vote, "annotator": who, "annotation_id": who}
        for who, vote in enumerate(votes, 1)
    ]


def _ground_truth(*votes: str) -> list[dict[str, Any]]:
    workers = [{"annotationData": {"content": json.dumps({"output": vote})}} for vote in votes]
    row = {"source": TEXT, "job": {"annotationsFromAllWorkers": workers}}
    return [row | {"job-metadata": {"type": "groundtruth/custom"}}]


TOOLS = (_itag, _label_studio, _flat_label_studio, _doccano, _older_doccano, _ground_truth)


@pytest.mark.parametrize("export", TOOLS)
def test_three_who_write_the_same_calls_outvote_two(tmp_path: Path, export: Any) -> None:
    (row,) = converted(tmp_path, export(*VOTES))
    assert meaning(row["output"]) == meaning(SAME[0])


@pytest.mark.parametrize("export", TOOLS)
def test_two_who_write_the_same_calls_agree(tmp_path: Path, export: Any) -> None:
    assert len(converted(tmp_path, export(*SAME[:2]))) == 1


@pytest.mark.parametrize("export", TOOLS)
def test_other_values_are_another_answer(tmp_path: Path, export: Any) -> None:
    found = reasons(tmp_path, export("play(jazz)", "play(pop)"))
    assert set(found) == {"tie"}


def test_the_commonest_way_of_writing_is_kept(tmp_path: Path) -> None:
    votes = ("play( jazz )", "play(jazz)", "play(jazz)")
    assert converted(tmp_path, _itag(*votes))[0]["output"] == "play(jazz)"


@pytest.mark.parametrize("other", ["play(jazz);", "play(jazz)\n", "play( jazz )", "play（jazz）"])
def test_of_equal_answers_the_one_in_normal_form_is_kept(tmp_path: Path, other: str) -> None:
    assert converted(tmp_path, _itag(other, "play(jazz)"))[0]["output"] == "play(jazz)"


def test_a_class_name_and_its_call_are_one_answer(tmp_path: Path) -> None:
    assert len(converted(tmp_path, _itag("refund", "refund()", OTHER))) == 1


def test_a_comma_that_the_utterance_has_stays_part_of_the_value(tmp_path: Path) -> None:
    row = itag_row("找 火锅，川菜", label=stage("find(火锅，川菜)", "find(火锅,川菜)"))
    assert reasons(tmp_path, [row]) == ["tie"]


def test_jobs_that_write_the_same_calls_agree(tmp_path: Path) -> None:
    row = itag_row(TEXT, label=stage(SAME[0])) | itag_row(TEXT, job="2", label=stage(SAME[2]))
    assert len(converted(tmp_path, [row])) == 1


def test_ground_truth_jobs_that_write_the_same_calls_agree(tmp_path: Path) -> None:
    row = {"source": TEXT}
    for name, label in zip("ab", SAME, strict=False):
        row |= {name: label, f"{name}-metadata": {"type": "groundtruth/custom"}}
    assert len(converted(tmp_path, [row])) == 1


@pytest.mark.parametrize(("one", "other"), [("a(b,c)", "a(c,b)"), ("a()", "a(); a()"), ("a", "A")])
def test_what_differs_in_meaning_stays_apart(one: str, other: str) -> None:
    assert meaning(one) != meaning(other)
