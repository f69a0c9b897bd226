"""``intentflow drift``: logs in, report, page and exit status out."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from intentflow.artifacts.drift import DriftReport
from intentflow.cli.main import main
from tests.feedback.drift_rows import answers, log_line, write_log, write_train

COUNT = 300


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return write_train(tmp_path / "train.jsonl", answers(COUNT, 1))


def _log(folder: Path, *, play_share: float = 0.5, count: int = COUNT) -> Path:
    rows = answers(count, 2, play_share=play_share)
    return write_log(
        folder / "log.jsonl", [log_line(number, row) for number, row in enumerate(rows)]
    )


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict]:
    status = main(["drift", "--json", *map(str, arguments)])
    return status, json.loads(capsys.readouterr().out)


def test_requests_like_the_training_rows_pass(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, summary = _run(capsys, "--reference", train, "--requests", _log(tmp_path))
    assert (status, summary["action"], summary["requests"]) == (0, "none", COUNT)


def test_drift_ends_with_exit_status_1_and_writes_report_and_page(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "drift.json", tmp_path / "drift.html"
    log = _log(tmp_path, play_share=0.95)
    status, summary = _run(
        capsys, "--reference", train, "--requests", log, "-o", out, "--html", page
    )
    assert (status, summary["action"]) == (1, "retrain")
    assert DriftReport.read(out).reasons == summary["reasons"]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_policy_decides(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("intents", "length", "phrasing", "unknown_words", "nearness", "confidence")
    (tmp_path / "p.yaml").write_text("".join(f"{name}: {{enabled: false}}\n" for name in names))
    log = _log(tmp_path, play_share=0.95)
    status, _ = _run(
        capsys, "--reference", train, "--requests", log, "--policy", tmp_path / "p.yaml"
    )
    assert status == 0


def test_the_folder_of_a_service_is_read_without_its_corrections(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    rows = answers(COUNT, 2)
    for day in (0, 1):
        lines = [log_line(number, row) for number, row in enumerate(rows) if number % 2 == day]
        write_log(store / "requests" / f"2026-11-0{day + 1}" / "1.jsonl", lines)
    write_log(store / "feedback/2026-11-01/1.jsonl", [{"instruction": "a", "output": "b()"}])
    _, summary = _run(capsys, "--reference", train, "--requests", store)
    assert (summary["requests"], summary["repeated"]) == (COUNT, 0)


def test_logs_of_several_services_are_read_without_their_corrections(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [log_line(number, row) for number, row in enumerate(answers(COUNT, 2))]
    write_log(tmp_path / "logs/a/requests/1.jsonl", rows)
    write_log(tmp_path / "logs/a/feedback/1.jsonl", [{"instruction": "a", "output": "b()"}])
    _, summary = _run(capsys, "--reference", train, "--requests", tmp_path / "logs")
    assert summary["requests"] == COUNT


def test_a_file_with_corrections_is_read_without_them(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corrected = {**log_line(0, ("play abba", "", None)), "output": "play(abba)"}
    rows = [log_line(number, row) for number, row in enumerate(answers(COUNT, 2))]
    log = write_log(tmp_path / "log.jsonl", [*rows, corrected])
    _, summary = _run(capsys, "--reference", train, "--requests", log)
    assert summary["requests"] == COUNT


def test_a_request_that_is_logged_twice_counts_once(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = _log(tmp_path)
    _, summary = _run(capsys, "--reference", train, "--requests", log, log)
    assert (summary["requests"], summary["repeated"]) == (COUNT, COUNT)


def test_the_utterances_of_one_request_all_count(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.jsonl"
    batch = [log_line(7, row) for row in answers(2, 3)]
    write_log(log, [*(log_line(at + 9, row) for at, row in enumerate(answers(COUNT, 2))), *batch])
    _, summary = _run(capsys, "--reference", train, "--requests", log)
    assert (summary["requests"], summary["repeated"]) == (COUNT + 2, 0)


def test_an_earlier_log_as_reference_has_confidences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = write_log(
        tmp_path / "earlier.jsonl",
        [log_line(number, row) for number, row in enumerate(answers(COUNT, 5))],
    )
    _, summary = _run(capsys, "--reference", earlier, "--requests", _log(tmp_path))
    assert "confidence" in summary["p_values"]


def test_scored_predictions_as_reference_have_confidences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"instruction": text, "output": call, "prediction": call, "confidence": value}
        for text, call, value in answers(COUNT, 5)
    ]
    scored = write_log(tmp_path / "predictions.jsonl", rows)
    _, summary = _run(capsys, "--reference", scored, "--requests", _log(tmp_path))
    assert "confidence" in summary["p_values"]


def test_the_taxonomy_names_the_out_of_scope_intent(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taxonomy = tmp_path / "taxonomy.yaml"
    taxonomy.write_text("intents: {play: {}, weather: {}, oos: {}}\nout_of_scope: oos\n")
    _, summary = _run(
        capsys, "--reference", train, "--requests", _log(tmp_path), "--taxonomy", taxonomy
    )
    assert "out_of_scope" in summary["p_values"]


ROW = log_line(0, ("play abba", "play(x)", 0.9))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "log.jsonl: the log contains no requests"),
        ([ROW], "1 requests are too few to tell drift from chance: at least 200 are needed"),
        ([{"instruction": "a", "output": "b()"}], "log.jsonl line 1 lacks what a service logs"),
        (["text"], "log.jsonl line 1 lacks what a service logs (not a logged request"),
        ([{**ROW, "confidence": 2}], "(confidence is not a number from 0 to 1"),
        ([{**ROW, "time": "yesterday"}], "log.jsonl line 1 has no time in ISO 8601"),
        ([{**ROW, "prediction": None}], "(prediction is not text"),
    ],
)
def test_a_log_that_cannot_be_used_is_one_line_and_nothing_is_written(
    train: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    lines: list[object],
    message: str,
) -> None:
    log, out = write_log(tmp_path / "log.jsonl", lines), tmp_path / "drift.json"
    arguments = ["--reference", train, "--requests", log, "-o", out, "--html", f"{out}.html"]
    assert main(["drift", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.glob("drift.json*"))


def test_a_broken_line_is_counted_and_the_others_are_compared(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = _log(tmp_path)
    log.write_text("{broken\n" + log.read_text() + "[]\n")
    assert main(["drift", "--json", "--reference", str(train), "--requests", str(log)]) == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert (summary["requests"], summary["rejected"]) == (COUNT, 2)
    assert "log.jsonl line 1 is not JSON" in printed.err


def test_an_earlier_log_as_reference_may_have_broken_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = _log(tmp_path)
    log.write_text("{broken\n" + log.read_text())
    status, _ = _run(capsys, "--reference", log, "--requests", log)
    assert status == 0


def test_a_compressed_reference_is_read(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "train.jsonl.gz"
    packed.write_bytes(gzip.compress(train.read_bytes()))
    status, summary = _run(capsys, "--reference", packed, "--requests", _log(tmp_path))
    assert (status, summary["reference_rows"]) == (0, COUNT)


def test_a_fault_of_a_compressed_reference_names_the_file_as_it_was_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "train.jsonl.gz"
    packed.write_bytes(gzip.compress(b'{"instruction": "a"}\n'))
    arguments = ["--reference", str(packed), "--requests", str(_log(tmp_path))]
    assert main(["drift", *arguments]) == 2
    assert f"{packed}: line 1: output is missing" in capsys.readouterr().err


def test_a_folder_without_a_log_is_one_line(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    arguments = ["--reference", str(train), "--requests", str(tmp_path / "empty")]
    assert main(["drift", *arguments]) == 2
    assert "the folder contains no request log" in capsys.readouterr().err


def test_the_page_is_no_input(
    train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = str(_log(tmp_path))
    assert main(["drift", "--reference", str(train), "--requests", log, "--html", log]) == 2
    assert "choose another html" in capsys.readouterr().err


def test_comparing_loads_no_torch(train: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from intentflow.cli.main import main; "
        f"main(['drift', '--reference', {str(train)!r}, '--requests', {str(_log(tmp_path))!r}]); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
