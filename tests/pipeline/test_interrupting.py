"""Ctrl-C while a local run trains."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.pipeline.graph import ENVIRONMENT, command, files, write_inputs

LONG = {"max_steps": 100_000, "num_train_epochs": 10_000}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def _interrupt_process(pid: int) -> None:
    """As a supervisor does."""
    os.kill(pid, signal.SIGINT)


def _interrupt_group(pid: int) -> None:
    """As a terminal does, which sends Ctrl-C to the steps as well; the user presses twice."""
    os.killpg(pid, signal.SIGINT)
    time.sleep(0.2)
    os.killpg(pid, signal.SIGINT)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs write; the second one finds the data steps done."""
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A run that would train for hours."""
    return write_inputs(tmp_path_factory.mktemp("inputs"), tiny_base_model, **LONG)


@pytest.mark.parametrize("interrupt", [_interrupt_process, _interrupt_group])
def test_an_interrupted_run_exits_2_and_leaves_no_model_and_no_process(
    config: Path, output: Path, tmp_path: Path, interrupt: Callable[[int], None]
) -> None:
    with (tmp_path / "err").open("wb") as err:
        process = subprocess.Popen(
            command(config, output, python=sys.executable),
            stdout=subprocess.DEVNULL,
            stderr=err,
            env=ENVIRONMENT,
            start_new_session=True,
            preexec_fn=_hear_interrupts,
        )
    try:
        _interrupt_and_check(process, output, tmp_path, interrupt)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _interrupt_and_check(
    process: subprocess.Popen[bytes],
    output: Path,
    tmp_path: Path,
    interrupt: Callable[[int], None],
) -> None:
    _wait_for(lambda: " step/s" in _printed(tmp_path) or "step/s," in _printed(tmp_path), process)
    children = psutil.Process(process.pid).children(recursive=True)
    interrupt(process.pid)
    status = process.wait(timeout=60)
    assert (status, _printed(tmp_path).splitlines()[-1]) == (
        2,
        "intentflow run: error: stopped; no incomplete output was kept",
    )
    assert "Traceback" not in _printed(tmp_path)
    assert [child for child in children if _runs(child)] == []
    left = files(output)
    assert [name for name in left if "/train/" in name and "model" in name] == []
    # What the steps before have written is where it always is, and the page tells the end.
    assert {"records.jsonl", "train.jsonl", "reports/data.html"} <= set(left)
    assert "stopped; no incomplete output was kept" in (output / "index.html").read_text()


def _hear_interrupts() -> None:
    """A shell's background jobs, and all that they start, are deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _printed(folder: Path) -> str:
    return (folder / "err").read_text(encoding="utf-8")


def _wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not ready():
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < deadline, "training did not start"
        time.sleep(0.1)


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
