"""A part that cannot start fails in CI and is skipped, with the reason, elsewhere."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

import pytest

from tests.real_parts.process import end, program, running, unavailable


def test_missing_part_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no server"):
        unavailable("no server")


def test_missing_part_is_skipped_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="run scripts/envtest"):
        program(Path("/nowhere/etcd"), "envtest")


def test_server_that_dies_says_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    command = [sys.executable, "-c", "raise SystemExit('the port is taken')"]
    with (
        pytest.raises(pytest.fail.Exception, match="the port is taken"),
        running(command, tmp_path / "log", lambda: False),
    ):
        pass


def test_server_is_gone_after_the_block(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with running(command, tmp_path / "log", lambda: True) as process:
        assert process.poll() is None
    assert process.poll() is not None
    end(process)  # a second time does no harm


def test_what_a_server_started_is_gone_with_it(tmp_path: Path) -> None:
    """A named pipe that the child alone holds open for writing is closed when the child is gone."""
    os.mkfifo(pipe := tmp_path / "pipe")
    child = f"exec 3>{pipe}; sleep 60 & echo begun >&3; exec 3>&-; wait"
    with running(["sh", "-c", child], tmp_path / "log", lambda: True):
        reader = os.open(pipe, os.O_RDONLY)
        assert os.read(reader, 6) == b"begun\n"
    assert select.select([reader], [], [], 5)[0] == [reader]
    assert os.read(reader, 1) == b""
    os.close(reader)
