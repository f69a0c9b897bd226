"""Warnings, errors and verdicts have a colour on a terminal, and nowhere else."""

from __future__ import annotations

import io
import json
import logging
import sys
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.logs import LogSettings, logging_to_stderr

RED, GREEN, YELLOW, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
log = logging.getLogger("intentflow.example")


class Terminal(io.StringIO):
    """A text that is shown on a terminal."""

    def isatty(self) -> bool:
        return True


def _terminal(monkeypatch: pytest.MonkeyPatch, stream: str = "stderr") -> Terminal:
    """What a terminal shows of a stream from here on; pytest sets its own before each test."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = Terminal()
    monkeypatch.setattr(sys, stream, shown)
    return shown


def _gate(folder: Path, accuracy: float, *options: str) -> int:
    (folder / "gate.yaml").write_text("metrics: {intent_accuracy: {min: 0.9}}")
    (folder / "m.json").write_text(json.dumps({"n": 100, "intent_accuracy": accuracy}))
    files = ["--metrics", str(folder / "m.json"), "--policy", str(folder / "gate.yaml")]
    return main(["gate", *files, *options])


def _log() -> None:
    with logging_to_stderr(LogSettings()):
        log.info("done")
        log.warning("slow")
        log.error("broken")


def test_a_terminal_shows_warnings_and_errors_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    _log()
    assert terminal.getvalue().splitlines() == [
        "done",
        f"{YELLOW}warning: slow{PLAIN}",
        f"{RED}broken{PLAIN}",
    ]


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    _log()
    assert terminal.getvalue().splitlines() == ["done", "warning: slow", "broken"]


def test_a_file_or_a_pipe_gets_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    _log()
    assert capsys.readouterr().err.splitlines() == ["done", "warning: slow", "broken"]


def test_a_failed_command_ends_with_a_red_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    assert main(["validate", "/no/such/file.jsonl"]) == 2
    assert terminal.getvalue().startswith(f"{RED}intentflow validate: error: /no/such")


def test_json_lines_have_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    main(["validate", "/no/such/file.jsonl", "--log-format", "json"])
    assert "\x1b" not in terminal.getvalue()


@pytest.mark.parametrize(
    ("accuracy", "line"),
    [(0.95, f"{GREEN}gate: passed{PLAIN}"), (0.5, f"{RED}gate: failed{PLAIN}")],
)
def test_a_verdict_is_green_or_red(
    accuracy: float, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    terminal = _terminal(monkeypatch, "stdout")
    _gate(tmp_path, accuracy)
    assert terminal.getvalue().splitlines()[0] == line


def test_a_verdict_has_no_colour_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    terminal = _terminal(monkeypatch, "stdout")
    monkeypatch.setenv("NO_COLOR", "1")
    _gate(tmp_path, 0.5)
    assert terminal.getvalue().startswith("gate: failed\n")


def test_a_verdict_in_a_pipe_is_plain_text(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _gate(tmp_path, 0.5)
    assert "\x1b" not in capsys.readouterr().out


def test_a_verdict_as_json_is_plain_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = _terminal(monkeypatch, "stdout")
    _gate(tmp_path, 0.5, "--json")
    assert json.loads(terminal.getvalue())["passed"] is False
