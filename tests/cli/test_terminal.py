"""What files and their names hold controls no terminal and forges no line of the output."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from intentflow.cli.main import main

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\x7f"
HOSTILE_NAME = f"rows{ESCAPES}\nintentflow convert: done\r.jsonl"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[str, str]:
    main([*map(str, arguments)])
    out, err = capsys.readouterr()
    assert not CONTROL.search(out + err)
    return out, err


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Rows whose intents are hostile, in a file whose name is, too."""
    path = tmp_path / HOSTILE_NAME
    row = {"instruction": f"play {ESCAPES}", "output": f"play\x1b[2J\x9b(x{ESCAPES[-1]})"}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return path


def test_the_name_of_a_missing_file_is_shown_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, err = _printed(capsys, "convert", tmp_path / HOSTILE_NAME, "-o", tmp_path / "out.jsonl")
    assert len(err.splitlines()) == 1
    assert r"\x1b[2J" in err


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("more", [(), ("--json",), ("--debug",)])
def test_a_hostile_name_in_an_error_controls_nothing(
    rows: Path, capsys: pytest.CaptureFixture[str], log_format: str, more: tuple[str, ...]
) -> None:
    rows.write_text("{broken", encoding="utf-8")
    _, err = _printed(capsys, "validate", rows, "--log-format", log_format, *more)
    assert "not JSON" in err


def test_a_name_in_an_error_stays_readable_from_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / HOSTILE_NAME
    out, _ = _printed(capsys, "convert", missing, "-o", tmp_path / "out.jsonl", "--json")
    assert str(missing) in json.loads(out)["error"]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_hostile_intents_in_a_report_control_nothing(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    out, _ = _printed(capsys, "validate", rows, *more)
    assert "1 row, 1 intent" in out or json.loads(out)["intents"] == 1


def test_an_unknown_command_is_shown_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = _printed(capsys, f"{ESCAPES}\nintentflow: ok")
    assert len(err.splitlines()) == 1
