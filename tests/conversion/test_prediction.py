"""A model's answer is kept with the label, and never taken for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.records import Example, content_digest, read_records, write_records
from intentflow.redaction.anonymizer import redact_example
from intentflow.validation import validate
from tests.conversion.rows import convert, stage

LABELLED = {"instruction": "play jazz", "output": "play(jazz)", "prediction": "stop()"}


def _converted(folder: Path, rows: list[Any], name: str = "rows.jsonl", **options: Any) -> Any:
    source, out = folder / name, folder / "out.jsonl"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    summary = convert(str(source), out, **options)
    return summary, [json.loads(line) for line in out.read_text().splitlines()]


def test_the_prediction_stays_with_the_row(tmp_path: Path) -> None:
    _, rows = _converted(tmp_path, [LABELLED])
    assert rows == [LABELLED]


def test_the_digest_is_that_of_the_records(tmp_path: Path) -> None:
    summary, _ = _converted(tmp_path, [LABELLED, {**LABELLED, "rounds": 2}])
    assert summary.digest == content_digest(read_records(tmp_path / "out.jsonl"))


def test_a_prediction_is_no_label(tmp_path: Path) -> None:
    unlabelled = {"instruction": "play", "prediction": "stop()"}
    summary, rows = _converted(tmp_path, [LABELLED, unlabelled])
    assert (len(rows), summary.rejected) == (1, 1)


def test_a_class_name_becomes_a_call_where_the_prediction_is_one(tmp_path: Path) -> None:
    rows = [{"text": f"row {at}", "intent": "refund", "prediction": "refund()"} for at in range(2)]
    _, kept = _converted(tmp_path, rows)
    assert [(row["output"], row["prediction"]) for row in kept] == [("refund()", "refund()")] * 2


@pytest.mark.parametrize("prediction", [0.93, None, "", {"intent": "stop"}])
def test_what_is_no_answer_is_not_kept(tmp_path: Path, prediction: Any) -> None:
    _, (row,) = _converted(tmp_path, [{**LABELLED, "prediction": prediction}])
    assert "prediction" not in row


def _result(text: str) -> list[dict[str, Any]]:
    value = {"text": [text]}
    return [{"from_name": "output", "to_name": "instruction", "type": "textarea", "value": value}]


def test_the_last_prediction_of_a_task_is_kept(tmp_path: Path) -> None:
    predictions = [
        {"result": _result(text), "created_at": day}
        for text, day in (("new()", "2026-02-02"), ("old()", "2026-02-01"))
    ]
    task = {
        "data": {"instruction": "play jazz"},
        "annotations": [{"result": _result("play(jazz)")}],
        "predictions": predictions,
    }
    _, (row,) = _converted(tmp_path, [task])
    assert (row["output"], row["prediction"]) == ("play(jazz)", "new()")


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("itag", {"label-1": stage("play(jazz)")}),
        ("doccano", {"label": ["play(jazz)"]}),
    ],
)
def test_a_pre_label_that_was_corrected_comes_back_with_the_export(
    tmp_path: Path, target: Any, answer: dict[str, Any]
) -> None:
    predicted = {"instruction": "play jazz", "prediction": "stop()"}
    _, (task,) = _converted(tmp_path, [predicted], to=target)
    _, rows = _converted(tmp_path, [task | answer])
    assert rows == [LABELLED]


def test_a_prediction_survives_reading_and_writing(tmp_path: Path) -> None:
    row = Example("play jazz", "play(jazz)", prediction="stop()")
    write_records(tmp_path / "rows.json", [row])
    assert read_records(tmp_path / "rows.json") == [row]


def test_a_prediction_is_redacted_as_the_label_is() -> None:
    row = Example("call 202-456-1111", "call(202-456-1111)", prediction="text(202-456-1111)")
    redacted, _ = redact_example(row)
    assert (redacted.output, redacted.prediction) == ("call({{PHONE}})", "text({{PHONE}})")


def test_personal_data_in_a_prediction_alone_is_redacted() -> None:
    row = Example("call him", "call()", prediction="call(jane@example.com)")
    assert redact_example(row)[0].prediction == "call({{EMAIL}})"


def test_changed_pre_labels_are_listed_with_the_share_that_was_kept() -> None:
    rows = [Example(f"row {at}", "play()", prediction="play()") for at in range(3)]
    report = validate([*rows, Example("row 4", "play()", prediction="stop()")])
    (found,) = (one for one in report.findings if one.code == "pre_label_changed")
    assert found.count == 1
    assert "75.0% were kept: stop → play 1" in found.message


def test_rows_without_pre_labels_are_not_judged() -> None:
    report = validate([Example("play jazz", "play()")])
    assert "pre_label" not in " ".join([*report.skipped, *(it.code for it in report.findings)])
