"""SageMaker Ground Truth manifests: which job's label counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conversion.rows import converted, reasons


def job(name: str, label: str | None, day: int = 1, **metadata: Any) -> dict[str, Any]:
    """What a single-label classification job adds to a row."""
    found = {
        "class-name": label,
        "job-name": f"labeling-job/{name}-2024",
        "confidence": 0.9,
        "type": "groundtruth/text-classification",
        "human-annotated": "yes",
        "creation-date": f"2024-01-0{day}T00:00:00.000000",
    }
    return {name: 0, f"{name}-metadata": found | metadata}


def check(label: str, day: int = 2) -> dict[str, Any]:
    """What a verification job adds."""
    return job("check", label, day, type="groundtruth/label-verification")


def custom(value: Any) -> dict[str, Any]:
    """What a custom job adds."""
    return {"c": value, "c-metadata": {"type": "groundtruth/custom", "job-name": "labeling-job/c"}}


def workers(*answers: Any) -> dict[str, Any]:
    """The default result of a custom job: every worker's form."""
    contents = [{"annotationData": {"content": json.dumps({"output": a})}} for a in answers]
    return {"annotationsFromAllWorkers": contents}


MULTI = {
    "m": [0, 3],
    "m-metadata": {
        "class-map": {"0": "a()", "3": "b()"},
        "type": "groundtruth/text-classification-multilabel",
    },
}
SOURCE = {"source": "play"}
ADJUSTED = {"adjustment-status": "adjusted"}


@pytest.mark.parametrize(
    ("added", "label"),
    [
        (job("intent", "a()"), "a()"),
        (MULTI, "a(); b()"),
        (job("x", "z()") | job("y", "a()", 2, **ADJUSTED), "a()"),
        (job("y", "a()", 2, **ADJUSTED) | job("x", "z()"), "a()"),
        (job("y", "a()", 3, **ADJUSTED) | job("x", "z()", 2, **ADJUSTED), "a()"),
        (job("x", "a()") | job("y", "a()", 2), "a()"),
        (job("x", "a()") | check("good"), "a()"),
        (job("x", "a()") | check(" Accept "), "a()"),
        (job("x", "z()") | check("bad") | job("y", "a()", 3, **ADJUSTED), "a()"),
        (custom("a()"), "a()"),
        (custom({"output": "a()"}), "a()"),
        (custom(workers("a()", "b()", "a()")), "a()"),
    ],
)
def test_the_label_that_counts_is_kept(tmp_path: Path, added: dict[str, Any], label: str) -> None:
    assert converted(tmp_path, [SOURCE | added]) == [{"instruction": "play", "output": label}]


@pytest.mark.parametrize(
    ("reason", "added"),
    [
        ("conflict", job("x", "a()") | job("y", "b()")),
        ("not_verified", job("x", "a()") | check("bad")),
        ("not_verified", job("x", "a()") | check("needs a second look")),
        ("failed", job("x", None, **{"failure-reason": "the worker gave up"})),
        ("no_label", check("good")),
        ("tie", custom(workers("a()", "b()"))),
        ("not_text", custom({"output": 3})),
        ("no_answer", custom({"entities": []})),
        ("blank_answer", job("x", " ")),
    ],
)
def test_a_row_without_a_clear_label_is_rejected(
    tmp_path: Path, reason: str, added: dict[str, Any]
) -> None:
    assert reasons(tmp_path, [SOURCE | added]) == [reason]


def test_a_text_that_lies_elsewhere_is_no_text(tmp_path: Path) -> None:
    row = {"source-ref": "s3://bucket/1.txt"} | job("x", "a()")
    assert reasons(tmp_path, [row]) == ["no_text"]


@pytest.mark.parametrize("name", ["y", "y-2024"])
def test_a_named_job_decides(tmp_path: Path, name: str) -> None:
    row = SOURCE | job("x", "a()") | job("y", "b()")
    assert converted(tmp_path, [row], job=name)[0]["output"] == "b()"


def _ner(text: str, **values: str) -> dict[str, Any]:
    """What a named entity recognition job adds: spans of the text."""
    entities = [
        {
            "label": label,
            "startOffset": text.index(value),
            "endOffset": text.index(value) + len(value),
        }
        for label, value in values.items()
    ]
    metadata = {
        "type": "groundtruth/text-span",
        "job-name": "labeling-job/ner",
        "human-annotated": "yes",
        "creation-date": "2024-01-05T00:00:00.000000",
        "entities": [{"confidence": 0.9} for _ in entities],
    }
    return {"ner": {"annotations": {"entities": entities}}, "ner-metadata": metadata}


@pytest.mark.parametrize("class_first", [True, False])
def test_a_job_that_marks_entities_has_no_say_next_to_a_class(
    tmp_path: Path, class_first: bool
) -> None:
    marked, classified = _ner("play jazz", genre="jazz"), job("intent", "play_music()")
    jobs = classified | marked if class_first else marked | classified
    (row,) = converted(tmp_path, [{"source": "play jazz", **jobs}])
    assert row == {"instruction": "play jazz", "output": "play_music()"}


def test_the_class_job_may_be_named_next_to_one_that_marks_entities(tmp_path: Path) -> None:
    jobs = _ner("play jazz", genre="jazz") | job("intent", "a()") | job("mood", "b()")
    (row,) = converted(tmp_path, [{"source": "play jazz", **jobs}], job="intent")
    assert row["output"] == "a()"


def test_a_job_that_marks_entities_alone_gives_no_label(tmp_path: Path) -> None:
    row = {"source": "play jazz", **_ner("play jazz", genre="jazz")}
    assert reasons(tmp_path, [row]) == ["spans"]
