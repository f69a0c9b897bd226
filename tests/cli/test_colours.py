"""Warnings and errors have a colour on a terminal, and nowhere else."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from intentflow.cli.main import main
from intentflow.logs import LogSettings, logging_to_stderr

RED, YELLOW, PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"
log = logging.getLogger("intentflow.example")


class Terminal(io.StringIO):
    """A text that is shown on a terminal."""

    def isatty(self) -> bool:
        return True


def _terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What a terminal shows of stderr from here on; pytest sets its own before each test."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


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
