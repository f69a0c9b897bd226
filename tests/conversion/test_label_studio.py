"""Label Studio exports: which annotation counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conversion.rows import converted, reasons


def result(*labels: Any, name: str = "output", kind: str = "textarea") -> dict[str, Any]:
    """What a control of the labelling page holds."""
    value = {"text" if kind == "textarea" else kind: list(labels)}
    return {"from_name": name, "to_name": "text", "type": kind, "value": value}


def annotation(*results: Any, **extra: Any) -> dict[str, Any]:
    """One annotator's annotation, in the export's words."""
    return {
        "id": 1,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        **extra,
    }


def task(*annotations: Any, **extra: Any) -> dict[str, Any]:
    """A task of the JSON export."""
    return {"id": 7, "data": {"text": "play"}, "annotations": list(annotations), **extra}


A, B = annotation(result("a()")), annotation(result("b()"))


@pytest.mark.parametrize(
    "row",
    [
        task(A),
        task(annotation(result("a()", kind="choices"))),
        task(annotation(result(["a()"], kind="taxonomy"))),
        task(annotation(result("a()", name="intent"))),
        task(annotation(result("a()"), result("fine", name="remark"))),
        task(annotation(result("a()"), {"type": "rating", "value": {"rating": 3}})),
        task(A, B, A),
        task(A, annotation(result("b()"), was_cancelled=True)),
        task(B, B, annotation(result("a()"), ground_truth=True)),
        task(A, predictions=[{"result": [result("z()")]}]),
        task(annotation(), A),
        task(
            annotation(result("b()"), completed_by=1, updated_at="2024-01-01T00:00:00Z"),
            annotation(result("a()"), completed_by=1, updated_at="2024-01-02T00:00:00Z"),
        ),
        task(
            annotation(result("a()"), completed_by={"id": 1}, updated_at="2024-01-02T00:00:00Z"),
            annotation(result("b()"), completed_by={"id": 1}, updated_at="2024-01-01T00:00:00Z"),
        ),
        {"data": {"text": "play"}, "completions": [A]},
    ],
)
def test_the_annotators_answer_is_the_label(tmp_path: Path, row: dict[str, Any]) -> None:
    (found,) = converted(tmp_path, [row])
    assert (found["instruction"], found["output"]) == ("play", "a()")


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("no_label", task()),
        ("no_label", {"data": {"text": "play"}, "predictions": [{"result": [result("z()")]}]}),
        ("abandoned", task(annotation(result("a()"), was_cancelled=True))),
        ("no_answer", task(annotation())),
        ("spans", task(annotation(result("a()", kind="rectanglelabels")))),
        ("no_answer", task(annotation("text"))),
        ("tie", task(A, B)),
        ("tie", task(annotation(result("a()"), ground_truth=True), {**B, "ground_truth": True})),
        ("several_questions", task(annotation(result("a", name="x"), result("b", name="y")))),
        ("not_text", task(annotation(result(3)))),
        ("blank_answer", task(annotation(result(" ")))),
        ("no_text", {**task(A), "data": {"image": "x.png"}}),
    ],
)
def test_a_task_without_a_clear_answer_is_rejected(
    tmp_path: Path, reason: str, row: dict[str, Any]
) -> None:
    assert reasons(tmp_path, [row]) == [reason]


def test_several_choices_are_several_intents(tmp_path: Path) -> None:
    row = task(annotation(result("a()", "b()", kind="choices")))
    assert converted(tmp_path, [row])[0]["output"] == "a(); b()"


def test_an_export_is_one_array(tmp_path: Path) -> None:
    assert len(converted(tmp_path, json.dumps([task(A), task(B)], indent=2))) == 2
