"""What the program logs, and how much of it reaches stderr."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from kfp import dsl

from intentflow.cli.log_options import log_settings
from intentflow.cli.main import main
from intentflow.errors import InputError, IntentflowError
from intentflow.io import progress
from intentflow.io.progress import progress_bar
from intentflow.logs import LogLevel, LogSettings, logging_to_stderr
from intentflow.pipeline.code_version import code_version
from intentflow.pipeline.run_log import RunLog
from intentflow.pipeline.step_outputs import StepEnd
from intentflow.pipeline.steps import step_errors

log = logging.getLogger("intentflow.example")


@pytest.fixture
def folder_with_a_note(tmp_path: Path) -> Path:
    """Rows to convert, and a file next to them that a warning is about."""
    rows = tmp_path / "rows"
    rows.mkdir()
    (rows / "a.jsonl").write_text('{"instruction": "play jazz", "output": "play_music(jazz)"}\n')
    (rows / "note.txt").write_text("no data")
    return rows


def _convert(folder: Path, *options: str) -> int:
    return main(["convert", str(folder), "-o", str(folder.parent / "out.jsonl"), *options])


def test_text_is_the_message_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr(LogSettings()):
        log.info("%d rows", 3)
    assert capsys.readouterr().err == "3 rows\n"


def test_text_calls_a_warning_one(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr(LogSettings()):
        log.warning("%d rows", 3)
    assert capsys.readouterr().err == "warning: 3 rows\n"


def test_no_message_states_its_level() -> None:
    """The handler does, so that it stands once in a line of text and of JSON."""
    package = Path(sys.modules["intentflow"].__file__ or "").parent
    stating = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"""["'](debug|info|warning|error): """, path.read_text(encoding="utf-8"))
    ]
    assert stating == ["logs.py"]


def test_json_lines_say_when_how_grave_who_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr(LogSettings(format="json")):
        log.warning("%d rows", 3)
    line = json.loads(capsys.readouterr().err)
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "warning", "logger": "intentflow.example", "message": "3 rows"}


def test_json_keeps_a_trace_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr(LogSettings(format="json")):
        log.error("failed", exc_info=ValueError("no"))
    assert json.loads(capsys.readouterr().err)["trace"] == "ValueError: no"


def test_the_message_is_the_last_line_behind_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr(LogSettings()):
        log.error("failed", exc_info=ValueError("no"))
    assert capsys.readouterr().err == "ValueError: no\nfailed\n"


def test_the_block_leaves_the_logger_as_it_was() -> None:
    logger = logging.getLogger("intentflow")
    before = (list(logger.handlers), logger.level, logger.propagate)
    with logging_to_stderr(LogSettings("error", "json")):
        assert logger.level == logging.ERROR
    assert (logger.handlers, logger.level, logger.propagate) == before


def test_processes_started_within_log_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTENTFLOW_LOG_FORMAT", raising=False)
    monkeypatch.delenv("INTENTFLOW_LOG_LEVEL", raising=False)
    asked = LogSettings("warning", "json")
    with logging_to_stderr(asked):
        assert LogSettings.from_environment() == asked
    assert LogSettings.from_environment() == LogSettings()


def test_a_value_of_the_environment_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTENTFLOW_LOG_FORMAT", "xml")
    with pytest.raises(IntentflowError, match="INTENTFLOW_LOG_FORMAT is 'xml': expected text, js"):
        LogSettings.from_environment()


def test_a_command_refuses_it_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTENTFLOW_LOG_LEVEL", "loud")
    assert main(["schema", "recipe"]) == 2
    assert capsys.readouterr().err == (
        "intentflow schema: error: INTENTFLOW_LOG_LEVEL is 'loud': "
        "expected debug, info, warning, error\n"
    )


@pytest.mark.parametrize("settings", [(), ("-q",), ("--quiet",), ("-v",)])
def test_a_warning_is_always_shown(
    folder_with_a_note: Path, settings: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _convert(folder_with_a_note, *settings) == 0
    assert "note.txt: skipped, its name is not that of a data file" in capsys.readouterr().err


def test_quiet_leaves_out_what_is_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr(log_settings(["convert", "-q"])):
        log.info("3 rows")
    assert capsys.readouterr().err == ""


def test_verbose_lines_name_level_and_logger(
    folder_with_a_note: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _convert(folder_with_a_note, "-v")
    assert " WARNING intentflow.conversion.sources: " in capsys.readouterr().err


def test_verbose_says_how_long_a_command_took(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "recipe", "-v"]) == 0
    assert " DEBUG intentflow.cli.main: schema took 0." in capsys.readouterr().err


def test_an_error_is_a_json_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "/no/such.jsonl", "-o", "x.jsonl", "--log-format", "json"]) == 2
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "error"
    assert line["message"].startswith("intentflow convert: error: ")


def test_a_module_run_as_a_program_logs_alike() -> None:
    command = [sys.executable, "-m", "intentflow.cli.main", "nope", "--log-format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stderr)["logger"] == "intentflow.cli.main"


def test_bad_usage_is_a_json_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["split", "--log-format=json"]) == 2
    assert "required: DATA" in json.loads(capsys.readouterr().err.splitlines()[-1])["message"]


def test_verbose_and_quiet_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "recipe", "-v", "-q"]) == 2
    assert "not allowed with" in capsys.readouterr().err


def test_an_unknown_log_format_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "recipe", "--log-format", "xml"]) == 2
    assert "invalid choice: 'xml'" in capsys.readouterr().err


@pytest.mark.parametrize("bars", [True, False])
def test_bars_are_shown_where_wanted(bars: bool) -> None:
    with logging_to_stderr(LogSettings(progress_bars=bars)):
        bar = progress_bar("count", total=3, unit="row", in_log=True)
        shown = not bar.disable
        bar.close()
    assert shown is bars


def test_a_line_stands_above_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    monkeypatch.setattr(progress, "_DELAY_SECONDS", 0.0)
    with logging_to_stderr(LogSettings()), progress_bar("count", total=3, unit="row") as bar:
        bar.update()
        log.info("in between")
    assert "\rin between\n" in capsys.readouterr().err.replace(" ", "").replace(
        "inbetween", "in between"
    )


def test_a_step_logs_as_its_environment_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTENTFLOW_LOG_FORMAT", "json")
    with pytest.raises(SystemExit), step_errors("convert", code_version()):
        raise InputError("no row")
    line = json.loads(capsys.readouterr().err)
    assert line["message"] == "intentflow convert: error: no row"


def test_a_step_refuses_an_environment_that_is_not_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTENTFLOW_LOG_FORMAT", "xml")
    with pytest.raises(SystemExit) as stop, step_errors("convert", code_version()):
        pass
    assert stop.value.code == 2
    assert "error: INTENTFLOW_LOG_FORMAT is 'xml'" in capsys.readouterr().err


def run_log_in(folder: Path) -> RunLog:
    """The log of a run, ``run.log``, and the runner's, ``runner.log``."""
    return RunLog(folder / "run.log", folder / "runner.log")


def _write_step(run_log: RunLog) -> None:
    """What kfp's runner prints of a step that logs a warning and prints a line of its own."""
    record = {
        "time": "",
        "level": "warning",
        "logger": "intentflow.training.loop",
        "message": "slow",
    }
    for line in ("Executing task 'train'", f"    {json.dumps(record)}", "    a library's line"):
        print(line, file=run_log)


def test_a_run_shows_its_steps_lines_indented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to_stderr(LogSettings()), run_log_in(tmp_path) as run_log:
        _write_step(run_log)
    assert capsys.readouterr().err == "[train]\n  warning: slow\n  a library's line\n"


def test_a_quiet_run_shows_its_steps_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to_stderr(LogSettings("warning")), run_log_in(tmp_path) as run_log:
        _write_step(run_log)
    assert capsys.readouterr().err == "  warning: slow\n"


def test_a_run_in_json_names_the_step_of_each_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to_stderr(LogSettings(format="json")), run_log_in(tmp_path) as run_log:
        _write_step(run_log)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["logger"], line.get("step")) for line in lines] == [
        ("intentflow.pipeline.run_log", None),
        ("intentflow.training.loop", "train"),
        ("intentflow.pipeline.run_log", "train"),
    ]


def test_the_runners_file_holds_messages_not_json(tmp_path: Path) -> None:
    with logging_to_stderr(LogSettings()), run_log_in(tmp_path) as run_log:
        _write_step(run_log)
    assert (tmp_path / "runner.log").read_text() == (
        "Executing task 'train'\n    warning: slow\n    a library's line\n"
    )


def _run_lines(folder: Path) -> list[str]:
    """The lines of a run's log without their times."""
    lines = (folder / "run.log").read_text().splitlines()
    return [line.partition(" UTC ")[2] for line in lines]


def test_the_log_of_a_run_has_a_step_with_its_counts_below_its_warnings(tmp_path: Path) -> None:
    counts = {"train_set": dsl.Dataset(metadata={"rows": 1200.0, "digest": "ab"})}
    with logging_to_stderr(LogSettings()), run_log_in(tmp_path) as run_log:
        _write_step(run_log)
        run_log.end_step(StepEnd("train", 61.26, counts, succeeded=True))
    assert _run_lines(tmp_path) == [
        "train      warning: slow",
        "train      61.3 s  train set 1,200",
    ]


def test_the_log_of_a_run_prefers_a_steps_metrics(tmp_path: Path) -> None:
    outputs = {
        "records": dsl.Dataset(metadata={"rows": 700}),
        "counts": dsl.Metrics(metadata={"rows": 708.0, "kept": 700.0, "share": 0.98765}),
        "Output": {},
    }
    with run_log_in(tmp_path) as run_log:
        run_log.end_step(StepEnd("convert", 0.5, outputs, succeeded=True))
    assert _run_lines(tmp_path) == ["convert    0.5 s  rows 708, kept 700, share 0.9877"]


def test_the_log_of_a_run_names_a_step_that_failed(tmp_path: Path) -> None:
    with run_log_in(tmp_path) as run_log:
        run_log.end_step(StepEnd("train", 3.0, {}, succeeded=False))
    assert _run_lines(tmp_path) == ["train      failed after 3.0 s"]


def test_the_log_of_a_run_names_a_step_that_was_not_run_again(tmp_path: Path) -> None:
    with run_log_in(tmp_path) as run_log:
        print("10:00:00 - INFO - Task \x1b[96mcurate\x1b[0m cache hit", file=run_log)
        run_log.end_step(StepEnd("curate", 0.1, {}, succeeded=True))
    assert _run_lines(tmp_path) == ["curate     unchanged, not run again"]


def test_nothing_prints_to_stderr_but_the_log() -> None:
    """Modules log: what is printed is neither filtered nor readable by a program."""
    package = Path(sys.modules["intentflow"].__file__ or "").parent
    printing = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "file=sys.stderr" in path.read_text(encoding="utf-8")
    ]
    assert printing == ["logs.py"]


def test_an_image_with_other_code_than_the_run_was_submitted_with_ends_the_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop, step_errors("convert", "0.0.1+000000000000"):
        raise AssertionError("the step ran")
    assert stop.value.code == 2
    assert "submitted with the code 0.0.1+000000000000" in capsys.readouterr().err


@pytest.mark.parametrize("level", ["info", "debug"])
def test_a_message_controls_no_terminal_and_ends_no_line(
    capsys: pytest.CaptureFixture[str], level: LogLevel
) -> None:
    with logging_to_stderr(LogSettings(level=level)):
        log.info("%s: read", "rows\x1b[2J\nforged\r\x9b")
    assert capsys.readouterr().err.endswith("rows\\x1b[2J\\nforged\\r\\x9b: read\n")


def test_a_trace_controls_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr(LogSettings()):
        log.error("failed", exc_info=ValueError("\x1b[2J"))
    assert capsys.readouterr().err == "ValueError: \\x1b[2J\nfailed\n"


def test_json_escapes_what_controls_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\x1b\x7f\x9b\u202e\u2028杭州"
    with logging_to_stderr(LogSettings(format="json")):
        log.info("%s", text)
    line = capsys.readouterr().err
    assert "杭州" in line and "\\u009b" in line
    assert line.rstrip("\n").isprintable()
    assert json.loads(line)["message"] == text


def test_a_steps_further_lines_are_indented_like_its_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logging_to_stderr(LogSettings()):
        log.info("one\ntwo", extra={"step": "train"})
    assert capsys.readouterr().err == "  one\n  two\n"
