"""Progress bars: counts on a terminal, nothing in a pipe, and lines of the log for long work."""

from __future__ import annotations

import builtins
import fcntl
import io
import json
import logging
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tqdm import tqdm
from transformers.utils import logging as library_logging

from intentflow.conversion import convert
from intentflow.curation.curation import curate
from intentflow.curation.split import split
from intentflow.evaluation.baseline_scores import BaselineOptions, run_baselines
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.io import progress
from intentflow.io.progress import RUNNER_SHOWS, progress_bar
from intentflow.logs import JsonFormatter, LogSettings, logging_to_stderr
from intentflow.models.base_models import load_model, load_tokenizer
from intentflow.models.directory import save_served_model
from intentflow.models.library_bars import without_new_bars
from intentflow.pipeline.run_log import RunLog
from intentflow.pipeline.starter.gate_draft import linear_accuracy
from intentflow.prompts import PromptSpec
from intentflow.quantization.library_output import quiet_library
from intentflow.records import write_records
from intentflow.validation import validate
from intentflow.validation.validation import CHECKS
from tests.models import TAXONOMY, rows

Shown = Callable[[], str]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What a terminal shows of standard error; no bar waits before it is shown."""
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    monkeypatch.setattr(progress, "_DELAY_SECONDS", 0.0)
    monkeypatch.setattr(progress, "_TERMINAL_SECONDS", 0.0)
    return lambda: capsys.readouterr().err


def _convert(folder: Path) -> None:
    write_records(folder / "labels.jsonl", rows())
    convert(str(folder / "labels.jsonl"), folder / "records.jsonl")


STEPS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "convert": ("convert: 60 rows", _convert),
    "curate": ("redact: 100%", lambda _: curate(rows(), dedup="near")),
    "curate near": ("compare: 100%", lambda _: curate(rows(), redact=False, dedup="near")),
    "validate": (f"{len(CHECKS)}/{len(CHECKS)}", lambda _: validate(rows())),
    "split": ("20/20", lambda _: split(rows(), test=0.2, validation=0.2)),
    "baseline": ("2/2", lambda _: run_baselines(rows()[:40], rows()[40:], BaselineOptions())),
    "init": ("4/4", lambda _: linear_accuracy(rows())),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_counts_on_a_terminal(step: str, shown: Shown, tmp_path: Path) -> None:
    counts, run = STEPS[step]
    run(tmp_path)
    assert counts in shown()


def test_a_model_counts_its_answers_on_a_terminal(tiny_model: Path, shown: Shown) -> None:
    TransformersEngine(tiny_model, constrained=True).answer(["play jazz", "play blues"])
    assert "answer: 100%" in shown()


def test_work_of_less_than_two_seconds_has_no_bar(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_DELAY_SECONDS", 2.0)
    with progress_bar("count", total=3, unit="row") as bar:
        bar.update(3)
    assert shown() == ""


def test_a_pipe_gets_no_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_DELAY_SECONDS", 0.0)
    with progress_bar("count", total=3, unit="row") as bar:
        bar.update(3)
    assert capsys.readouterr().err == ""


def test_long_work_has_lines_in_the_log_of_a_pod(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_DELAY_SECONDS", 0.0)
    monkeypatch.setattr(progress, "_LOG_SECONDS", 0.0)
    with (
        logging_to_stderr(LogSettings(format="json")),
        progress_bar("train", total=3, unit="step", in_log=True) as bar,
    ):
        bar.update()
    line = json.loads(capsys.readouterr().err.splitlines()[0])
    assert line["progress"] is True
    assert line["message"].startswith("train: 0/3 step, ")


def _record(message: str, **extra: object) -> str:
    """A line of the log as a step prints it."""
    record = logging.LogRecord("intentflow.io.progress", logging.INFO, "", 0, message, None, None)
    record.__dict__.update(extra)
    return JsonFormatter().format(record)


@pytest.fixture
def run_log(tmp_path: Path) -> RunLog:
    """The log of a run."""
    return RunLog(tmp_path / "run.log", tmp_path / "runner.log")


def test_a_run_shows_the_state_of_its_step_on_its_terminal(
    run_log: RunLog, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNNER_SHOWS, "1")
    with run_log:
        print("Executing task 'train'", file=run_log)
        print("    " + _record("train: 1/3", progress=True), file=run_log)
        print("Task 'train' finished with status SUCCESS", file=run_log)
    assert "\r  train: 1/3" in shown()


def test_the_state_of_a_step_is_not_in_the_files_of_the_run(
    run_log: RunLog, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNNER_SHOWS, "1")
    with run_log:
        print("    " + _record("train: 1/3", progress=True), file=run_log)
    assert "1/3" not in (tmp_path / "runner.log").read_text() + (tmp_path / "run.log").read_text()


def test_a_runner_that_indents_what_is_printed_reads_each_record(
    run_log: RunLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own_print = builtins.print

    def indented(*args: object, **options: object) -> None:  # as kfp's runner prints
        own_print(" " * 4, end="", file=run_log)
        own_print(*args, **{"file": run_log, **options})  # type: ignore[call-overload]

    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.delitem(sys.modules, "tqdm")
    with logging_to_stderr(LogSettings()), run_log:
        own_print("Executing task 'train'", file=run_log)
        monkeypatch.setattr(builtins, "print", indented)
        for message in ("one", "two", "three"):
            print(_record(message))
        monkeypatch.setattr(builtins, "print", own_print)
    assert capsys.readouterr().err.splitlines() == ["[train]", "  one", "  two", "  three"]


def test_curate_shows_a_bar_on_a_real_terminal(tmp_path: Path) -> None:
    write_records(tmp_path / "records.jsonl", rows())
    slow = (
        "import time\n"
        "from intentflow.cli.main import main\n"
        "from intentflow.curation import curation\n"
        "own = curation.redact_examples\n"
        "curation.redact_examples = lambda rows: [time.sleep(2.5), own(rows)][1]\n"
        f"main(['curate', {str(tmp_path / 'records.jsonl')!r}, '-o', "
        f"{str(tmp_path / 'clean.jsonl')!r}, '--redact'])\n"
    )
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    done = subprocess.run([sys.executable, "-c", slow], stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    printed = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "60/60" in printed


def test_quantizing_has_one_bar_in_place_of_the_librarys(shown: Shown) -> None:
    with quiet_library():
        for description in ("(1/2): Calibrating", "(2/2): Calibrating", "Smoothing"):
            for _ in tqdm([1], desc=description):
                pass
    found = shown()
    assert [text for text in ("Calibrating", "Smoothing") if text in found] == []
    assert "quantize: 100%" in found


def test_bars_of_libraries_are_as_before_after_it() -> None:
    with without_new_bars():
        assert tqdm([1], file=io.StringIO()).disable
    assert not tqdm([1], file=io.StringIO()).disable


@pytest.fixture
def with_library_bars() -> Iterator[None]:
    """Transformers' own setting."""
    library_logging.enable_progress_bar()
    yield
    library_logging.disable_progress_bar()


def test_a_model_is_written_without_the_librarys_bar(
    with_library_bars: None,
    tiny_base_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, tokenizer = load_model(str(tiny_base_model)), load_tokenizer(str(tiny_base_model))
    capsys.readouterr()
    save_served_model(tmp_path / "m", model, tokenizer, 0, PromptSpec(system="a"), TAXONOMY)
    assert capsys.readouterr().err == ""


def test_the_librarys_setting_is_as_before_after_loading(
    with_library_bars: None, tiny_base_model: Path
) -> None:
    load_model(str(tiny_base_model))
    assert library_logging.is_progress_bar_enabled()
