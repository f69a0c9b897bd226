"""``intentflow review export``: the review queue as tasks of labelling tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import intentflow
from intentflow.artifacts.document import write_lines
from intentflow.artifacts.feedback import QueuedRequest
from intentflow.cli.main import main
from intentflow.records import read_records


def _row(number: int, text: str = "", prediction: str = "play()") -> QueuedRequest:
    return QueuedRequest(
        instruction=text or f"row {number}",
        prediction=prediction,
        confidence=0.5,
        reason="least_confident",
        requests=1,
        request_id=f"r{number}",
        time="2026-11-02T09:00:00+00:00",
        model_digest=None,
    )


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """The folder of a queue with ten rows, one of them with personal data."""
    folder = tmp_path / "feedback"
    rows = [_row(0, "mail jane@example.com", "mail(jane@example.com)")]
    write_lines(folder / "queue.jsonl", [*rows, *(_row(number) for number in range(1, 10))])
    return folder


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["review", "export", "--json", *map(str, arguments)]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_label_studio_gets_tasks_with_the_answer_as_pre_label(
    queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = _run(capsys, queue, "-o", tmp_path / "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert (summary["queued"], summary["tasks"], len(tasks)) == (10, 10, 10)
    assert tasks[1]["data"] == {"instruction": "row 1"}
    assert tasks[1]["predictions"][0]["result"][0]["value"] == {"text": ["play()"]}


def test_itag_gets_a_manifest(
    queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, queue, "-o", tmp_path / "tasks.manifest", "--to", "itag")
    lines = (tmp_path / "tasks.manifest").read_text().splitlines()
    data = {"instruction": "row 1", "output": "play()", "prediction": "play()"}
    assert json.loads(lines[1]) == {"data": data}


def test_the_budget_takes_the_first_rows(
    queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = _run(capsys, queue, "-o", tmp_path / "tasks.json", "--budget", 3)
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    texts = [task["data"]["instruction"] for task in tasks]
    assert texts == ["mail {{EMAIL}}", "row 1", "row 2"]
    assert summary["reasons"] == {"least_confident": 3}


def test_no_personal_data_reaches_the_tool(
    queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = _run(capsys, queue / "queue.jsonl", "-o", tmp_path / "tasks.json")
    assert "jane" not in (tmp_path / "tasks.json").read_text()
    assert summary["redacted"] == 1


def test_what_a_labeller_has_answered_converts_to_records(
    queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, queue, "-o", tmp_path / "tasks.json", "--budget", 2)
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    for number, task in enumerate(tasks):
        result = task.pop("predictions")[0]["result"]
        result[0]["value"] = {"text": [f"corrected({number})"]}
        task["annotations"] = [{"id": number, "result": result, "was_cancelled": False}]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    intentflow.convert(tmp_path / "export.json", tmp_path / "records.jsonl")
    outputs = [row.output for row in read_records(tmp_path / "records.jsonl")]
    assert outputs == ["corrected(0)", "corrected(1)"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.jsonl", "-o", "tasks.json"], "nowhere.jsonl"),
        (["{queue}", "-o", "tasks.csv"], "tasks.csv: the file name of tasks for label-studio"),
        (["{queue}", "-o", "tasks.json", "--to", "itag"], "must end in .manifest or .jsonl"),
        (["{records}", "-o", "tasks.json"], "records.jsonl line 1: prediction is missing"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    queue: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    records = tmp_path / "records.jsonl"
    records.write_text('{"instruction": "a", "output": "b()"}\n')
    given = [one.format(queue=queue, records=records) for one in arguments]
    assert main(["review", "export", *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.glob("tasks.*"))
