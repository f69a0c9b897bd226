"""``intentflow feedback``: a log in, a folder, a summary and an exit status out."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

import intentflow
from intentflow.artifacts.feedback import FeedbackLabel, FeedbackReport, QueuedRequest
from intentflow.calls import Call
from intentflow.cli.main import main
from intentflow.records import read_records
from intentflow.serving.corrections import Correction
from intentflow.serving.interpretation import Interpretation
from intentflow.serving.model_files import read_served_model
from intentflow.serving.request_log import RequestLog
from intentflow.training.dpo import read_corrections
from tests.feedback.service_logs import correction, request, write_store
from tests.serving.transformer.conftest import write_model

LINES = [
    request("r1", "stop it", "play()"),
    request("r2", "play it", "play()"),
    request("r3", "rain?", "weather()", confidence=0.3),
    correction("r1", "stop it", "stop()", annotator="ann"),
    correction("r2", "play it", "play()", annotator="ann"),
]
FILES = ["feedback.json", "labels.jsonl", "left-out.jsonl", "pairs.jsonl", "queue.jsonl"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "log", LINES)


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, object]]:
    status = main(["feedback", "--json", *map(str, arguments)])
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_summary_counts_what_became_of_the_log(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, summary = _run(capsys, store, "-o", tmp_path / "out")
    expected = {"requests": 3, "corrections": 2, "joined": 2, "labels": 2, "pairs": 2, "queued": 1}
    assert (status, {name: summary[name] for name in expected}) == (0, expected)
    assert summary["corrected"] == 1


def test_the_folder_has_all_files(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, store, "-o", tmp_path / "out")
    found = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert found == [*FILES, "rejects.jsonl"]


def test_files_with_utterances_are_private(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, store, "-o", tmp_path / "out")
    files = (tmp_path / "out").glob("*.jsonl")
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_labels_are_records(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, store, "-o", tmp_path / "out")
    rows = read_records(tmp_path / "out/labels.jsonl")
    assert [row.output for row in rows] == ["stop()", "play()"]


def test_labels_convert(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, store, "-o", tmp_path / "out")
    summary = intentflow.convert(tmp_path / "out/labels.jsonl", tmp_path / "records.jsonl")
    assert (summary.kept, summary.rejected) == (2, 0)
    assert [row.instruction for row in read_records(tmp_path / "records.jsonl")] == [
        "stop it",
        "play it",
    ]


def test_pairs_are_corrections_for_preference_tuning(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, store, "-o", tmp_path / "out")
    found = read_corrections(tmp_path / "out/pairs.jsonl", "call")
    assert ([row.label for row in found.rows], len(found.agreeing)) == (["stop()"], 1)


def test_pairs_are_corrections_of_a_model_that_answers_in_json(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, store, "-o", tmp_path / "out")
    found = read_corrections(tmp_path / "out/pairs.jsonl", "json")
    assert [json.loads(row.prediction)[0]["intent"] for row in found.rows] == ["play"]
    assert len(found.agreeing) == 1


def test_the_queue_has_what_is_not_labelled(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, store, "-o", tmp_path / "out")
    (row,) = QueuedRequest.read_rows(tmp_path / "out/queue.jsonl")
    assert (row.instruction, row.prediction, row.confidence) == ("rain?", "weather()", 0.3)


def test_an_annotator_that_is_set_aside_is_named(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [correction(f"g{at}", f"gold {at}", "wrong()", annotator="bot-7") for at in range(6)]
    write_store(store, rows, day="2")
    gold = tmp_path / "gold.jsonl"
    documents = [{"instruction": f"gold {at}", "output": "right()"} for at in range(6)]
    gold.write_text("".join(json.dumps(row) + "\n" for row in documents))
    assert main(["feedback", str(store), "-o", str(tmp_path / "out"), "--gold", str(gold)]) == 0
    message = "6 labels of bot-7 are set aside: 0% of 6 gold rows have the gold intents"
    assert message in capsys.readouterr().err


def test_known_rows_are_not_new(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = tmp_path / "known.jsonl"
    known.write_text(json.dumps({"instruction": "play it", "output": "play()"}) + "\n")
    _, summary = _run(capsys, store, "-o", tmp_path / "out", "--known", known)
    assert (summary["labels"], summary["known"]) == (1, 1)


def test_a_single_file_may_hold_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    _, summary = _run(capsys, log, "-o", tmp_path / "out")
    assert (summary["requests"], summary["corrections"]) == (3, 2)


@pytest.mark.parametrize("name", ["log", "log/requests", "log/requests/2026-11-02/1.jsonl"])
def test_no_part_of_the_log_is_replaced(
    store: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(store.rglob("*"))
    assert main(["feedback", str(store), "-o", str(store.parent / name)]) == 2
    assert sorted(store.rglob("*")) == before
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere"),
        (["{log}", "--gold", "nowhere.jsonl"], "nowhere.jsonl: No such file"),
        (["{log}", "--threshold", "2"], "give a number from 0 to 1"),
        (["{log}", "--budget", "-1"], "give an integer from 0 up"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    store: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    given = [one.format(log=store) for one in arguments]
    try:
        status = main(["feedback", *given, "-o", str(tmp_path / "out")])
    except SystemExit as end:  # argparse's own
        status = int(end.code or 0)
    assert status == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_an_earlier_folder_stays_where_the_log_cannot_be_read(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(capsys, store, "-o", tmp_path / "out")
    (tmp_path / "empty.jsonl").write_text("")
    assert main(["feedback", str(tmp_path / "empty.jsonl"), "-o", str(tmp_path / "out")]) == 2
    assert FeedbackReport.read(tmp_path / "out/feedback.json").labels == 2


def test_what_a_service_writes_is_read(tmp_path: Path) -> None:
    model = read_served_model(str(write_model(tmp_path / "model")))
    found = Interpretation([Call("play_music")], "play_music()", 0.5, False, 0.1, model)
    row = Correction("call 202-456-1111", "weather_search(x)", annotator="ann")

    async def serve() -> None:
        log = RequestLog(str(tmp_path / "log"), 1.0, model)
        log.start()
        log.keep_request("r-1", [{"role": "user", "content": row.instruction}], found)
        await log.keep_correction("r-1", row)
        await log.stop()

    asyncio.run(serve())
    report = intentflow.collect_feedback(tmp_path / "log", tmp_path / "out")
    (label,) = FeedbackLabel.read_rows(tmp_path / "out/labels.jsonl")
    assert (report.joined, report.corrected) == (1, 1)
    assert (label.instruction, label.annotator) == ("call {{PHONE}}", "ann")
