"""A job or field that no row has: the ones that are there are named."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.errors import IntentflowError
from tests.conversion.rows import JOB, convert, itag_row, stage
from tests.conversion.test_ground_truth import job as truth_job

ITAG = json.dumps(itag_row("play", label=stage("a()"), check=stage("a()")))
TRUTH = json.dumps({"source": "play"} | truth_job("intent", "a()"))
FLAT = json.dumps({"query": "play", "output": "a()", "id": 7})


def _message(path: Path, content: bytes, **options: Any) -> str:
    path.write_bytes(content)
    with pytest.raises(IntentflowError) as caught:
        convert([str(path)], path.parent / "out.json", **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (ITAG, {"job": "9"}, f"there is no job 9, only {JOB}"),
        (ITAG, {"job": "label-9"}, f"there is no job 9, only {JOB}"),
        (TRUTH, {"job": "9"}, "there is no job 9, only intent"),
        (FLAT, {"field": "nope"}, "there is no field nope, only query, output"),
        (ITAG, {"field": "nope"}, "there is no field nope, only instruction"),
        ("[" + FLAT + "]", {"field": "nope"}, "there is no field nope, only query, output"),
    ],
)
def test_what_is_there_is_named(
    tmp_path: Path, content: str, options: dict[str, Any], message: str
) -> None:
    assert message in _message(tmp_path / "a.manifest", content.encode(), **options)


def test_the_columns_of_a_table_are_named(tmp_path: Path) -> None:
    message = _message(tmp_path / "a.csv", b"query,label\nplay,a()\n", field="nope")
    assert message.endswith("there is no field nope, only query, label")


def test_packed_rows_are_looked_at_too(tmp_path: Path) -> None:
    message = _message(tmp_path / "a.json.gz", gzip.compress(FLAT.encode()), field="nope")
    assert message.endswith("there is no field nope, only query, output")


def test_five_names_are_enough(tmp_path: Path) -> None:
    row = {f"f{number}": "x" for number in range(6)} | {"output": "a()"}
    message = _message(tmp_path / "a.jsonl", json.dumps(row).encode(), field="nope")
    assert message.endswith("only f0, f1, f2, f3, f4, …")


def test_a_field_that_is_there_is_not_called_missing(tmp_path: Path) -> None:
    row = {"query": "play", "output": " "}
    message = _message(tmp_path / "a.jsonl", json.dumps(row).encode(), field="query")
    assert "no field" not in message


def test_rows_without_a_job_report_it(tmp_path: Path) -> None:
    row = {"data": {"instruction": "play"}}
    message = _message(tmp_path / "a.manifest", json.dumps(row).encode(), job="9")
    assert message.endswith("there is no job 9, nor any other")


def test_fields_that_no_name_fits_are_shown_with_an_example(tmp_path: Path) -> None:
    row = {"ref": "ticket-17", "topic": "chat-3"}
    message = _message(tmp_path / "a.jsonl", json.dumps(row).encode())
    assert 'ref ("ticket-17"), topic ("chat-3")' in message
    assert "--field" in message
    assert "--label-field" in message


def test_the_text_of_a_task_under_another_name_is_shown(tmp_path: Path) -> None:
    result = {"from_name": "mood", "type": "choices", "value": {"choices": ["glad"]}}
    task = {"data": {"clip": "a17.wav"}, "annotations": [{"result": [result]}]}
    message = _message(tmp_path / "a.json", json.dumps([task]).encode())
    assert 'clip ("a17.wav")' in message
    assert "questions mood" in message


def test_the_columns_of_a_table_without_known_names_are_shown(tmp_path: Path) -> None:
    message = _message(tmp_path / "a.csv", b"frage;absicht\nspiel;a()\n")
    assert 'frage ("spiel"), absicht ("a()")' in message


def test_an_example_is_redacted_short_and_in_one_line(tmp_path: Path) -> None:
    row = {"phrase": "mail jane@example.com\nnow " + "x" * 200}
    message = _message(tmp_path / "a.jsonl", json.dumps(row).encode())
    assert "jane" not in message
    assert "\n" not in message
    assert len(message) < 400 + len(str(tmp_path)) * 2


def test_a_label_field_that_is_missing_is_named(tmp_path: Path) -> None:
    message = _message(tmp_path / "a.csv", b"text,label\nplay,a()\n", label_field="nope")
    assert "there is no field nope, only text, label" in message
