"""``curate --against``: rows near test rows are left out, and listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.records import Example, read_records, write_records

FORECAST = "what will the weather be like in Hangzhou tomorrow morning"
ROWS = [
    Example("put on some jazz", "play(jazz)"),
    Example(f"{FORECAST}?", "weather(Hangzhou)"),
    Example("book a table for two", "book(2)"),
]


def _curate(folder: Path, test: list[Example], *flags: str) -> int:
    write_records(folder / "rows.jsonl", ROWS)
    write_records(folder / "test.jsonl", test)
    files = ["-o", str(folder / "out.jsonl"), "--changes", str(folder / "changes.json")]
    against = ["--against", str(folder / "test.jsonl")]
    return main(["curate", str(folder / "rows.jsonl"), *files, *against, *flags])


def test_a_row_near_a_test_row_is_left_out(tmp_path: Path) -> None:
    assert _curate(tmp_path, [Example(FORECAST, "weather(Hangzhou)")]) == 0
    assert read_records(tmp_path / "out.jsonl") == [ROWS[0], ROWS[2]]


def test_it_is_listed_by_its_line(tmp_path: Path) -> None:
    _curate(tmp_path, [Example(FORECAST, "weather(Hangzhou)")])
    changes = json.loads((tmp_path / "changes.json").read_text())
    assert changes == [{"row": 2, "kind": "near_test_row"}]


def test_it_is_found_by_its_words_before_redaction(tmp_path: Path) -> None:
    mail = "please send the bill to anna.smith@example.com as soon as you can"
    write_records(tmp_path / "rows.jsonl", [*ROWS, Example(mail, "bill()")])
    write_records(tmp_path / "test.jsonl", [Example(mail, "bill()")])
    arguments = ["-o", str(tmp_path / "out.jsonl"), "--redact"]
    against = ["--against", str(tmp_path / "test.jsonl")]
    assert main(["curate", str(tmp_path / "rows.jsonl"), *arguments, *against]) == 0
    assert len(read_records(tmp_path / "out.jsonl")) == len(ROWS)


def test_what_is_left_has_no_leak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _curate(tmp_path, [Example(FORECAST, "weather(Hangzhou)")])
    files = [str(tmp_path / "out.jsonl"), "--against", str(tmp_path / "test.jsonl"), "--json"]
    main(["validate", *files])
    codes = {it["code"] for it in json.loads(capsys.readouterr().out.splitlines()[-1])["findings"]}
    assert not {code for code in codes if "leak" in code or "shared" in code}


def test_rows_that_are_all_near_test_rows_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _curate(tmp_path, ROWS) == 2
    assert "every row also occurs in the test file" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()
