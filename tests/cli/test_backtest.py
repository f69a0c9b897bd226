"""``intentflow backtest``: dated rows in, a table, a report and a page out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.artifacts.backtest import BacktestReport
from intentflow.cli.main import main

TEXTS = [("play abba", "play(abba)"), ("weather in oslo", "weather(oslo)")]
HEAD = "date,text,intent\n"


def _csv(folder: Path, *, weeks: int = 3, head: str = HEAD) -> Path:
    lines = [
        f"2026-11-{1 + 7 * week + day:02d},{text},{call.partition('(')[0]}\n"
        for week in range(weeks)
        for day in (0, 3)
        for text, call in TEXTS
    ]
    path = folder / "rows.csv"
    path.write_text(head + "".join(lines), encoding="utf-8")
    return path


def _jsonl(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    rows = [
        {"time": f"2026-11-{1 + 7 * week:02d}T10:00:00+08:00", "instruction": text, "output": call}
        for week in range(3)
        for text, call in TEXTS
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    assert main(["backtest", "--json", *map(str, arguments)]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_csv_file_is_replayed_under_all_policies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = _json(capsys, _csv(tmp_path))
    assert (summary["rows"], summary["windows"]) == (12, 3)
    assert summary["labels"] == {"never": 4, "weekly": 12, "drift": 4}
    assert set(summary["accuracy"].values()) == {1.0}


def test_corrections_and_records_with_a_time_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _json(capsys, _jsonl(tmp_path), "--policy", "weekly")["labels"] == {"weekly": 6}


def test_the_terminal_shows_a_line_a_week(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", str(_csv(tmp_path)), "--policy", "never,weekly"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == [
        ["window", "rows", "never", "weekly"],
        ["2026-11-08", "4", "1.000", "1.000*"],
        ["2026-11-15", "4", "1.000", "1.000*"],
    ]


def test_report_and_page_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, page = tmp_path / "backtest.json", tmp_path / "backtest.html"
    _json(capsys, _csv(tmp_path), "-o", out, "--html", page)
    assert [it.policy for it in BacktestReport.read(out).policies] == ["never", "weekly", "drift"]
    assert page.read_text(encoding="utf-8").count("<polyline") == 3


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("", [], "rows.csv: the file contains no rows"),
        (HEAD, [], "rows.csv: the file contains no rows"),
        ("text,intent\nplay,play\n", [], "rows.csv line 2: no date (time, date, datetime"),
        ("date,intent\n2026-11-01,play\n", [], "line 2: no utterance (instruction, text"),
        (HEAD + "01/11/2026,play abba,play\n", [], "line 2: date: '01/11/2026' is no date"),
        (HEAD + "2026-11-01,play abba,\n", [], "line 2: intent is empty or not text"),
        (HEAD + "2026-11-01,play abba,play(\n", [], "neither calls nor the name of an intent"),
        (HEAD + "2026-11-01,play abba,play\n", [], "at least 2 are needed"),
        (HEAD + "2026-11-01,a,b\n", ["--date-field", "day"], "no date (day); it has date, text"),
        (HEAD + "2026-11-01,a, and b,c\n", [], "rows.csv line 2: more cells than the head"),
        ("date,date,text,intent\n", [], "rows.csv line 1: two columns are named 'date'"),
        (HEAD + "0202-11-01,a,b\n2026-11-01,a,b\n", [], "95,172 windows of 7 days, from 0202"),
        (HEAD + "9999-12-30,a,b\n9999-12-31,a,b\n", [], "to 9999-12-31: correct the dates"),
        (HEAD, ["--window-days", "9999999999"], "--window-days"),
        (HEAD, ["--policy", "monthly"], "--policy"),
        (HEAD, ["--window-days", "0"], "--window-days"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    arguments: list[str],
    message: str,
) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "backtest.json"
    rows.write_text(content)
    paths = [str(rows), "-o", str(out), "--html", str(tmp_path / "backtest.html")]
    assert main(["backtest", *paths, *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.glob("backtest*"))


@pytest.mark.parametrize(("name", "separator"), [("rows.csv", ";"), ("rows.tsv", "\t")])
def test_the_separator_is_that_of_the_head(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, separator: str
) -> None:
    content = _csv(tmp_path).read_text().replace(",", separator)
    (tmp_path / name).write_text(content)
    assert _json(capsys, tmp_path / name, "--policy", "never")["rows"] > 0


def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", str(tmp_path / "none.csv")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "none.csv: No such file" in line
