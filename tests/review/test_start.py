"""What ``intentflow review serve`` refuses, and what it reports of a server that does not start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.errors import ServiceError
from intentflow.review.installation import VERSION, Installation, installed
from intentflow.review.server import running_studio
from tests.real_parts.process import free_port
from tests.review.queue import queued, write_queue


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return write_queue(tmp_path / "queue", queued(1, "rain in Oslo", "cancel()"))


def _error(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["review", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def _installation(folder: Path, script: str) -> Installation:
    """An environment whose program is a shell script."""
    found = Installation(folder / "environment")
    for path in (found.program, found.empty_database):
        path.parent.mkdir(parents=True)
    found.program.write_text(f"#!/bin/sh\n{script}\n")
    found.program.chmod(0o755)
    found.empty_database.write_bytes(b"empty")
    return found


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--taxonomy is missing: labellers choose from its intents"),
        (["--taxonomy", "nowhere.yaml"], "nowhere.yaml"),
        (["--email", "nobody"], "--email"),
        (["--project", "x"], "--project"),
        (["--to", "itag"], "--to is for intentflow review export"),
    ],
)
def test_bad_arguments_are_one_line_and_nothing_is_written(
    queue: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    message: str,
) -> None:
    assert message in _error(capsys, "serve", queue, "-o", tmp_path / "out", *flags)
    assert not (tmp_path / "out").exists()


def test_flags_of_serve_are_none_of_export(
    queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = _error(capsys, "export", queue, "-o", tmp_path / "tasks.json", "--port", 8081)
    assert "--port is for intentflow review serve" in line


def test_a_port_in_use_is_refused_before_anything_is_installed(
    queue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = ("--taxonomy", queue / "taxonomy.yaml", "--port", port)
        line = _error(capsys, "serve", queue, "-o", tmp_path / "out", *flags)
    assert f"port {port} on 127.0.0.1 cannot be used" in line


def test_an_installation_that_fails_is_one_line_and_counts_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"INDEX_URL": "http://127.0.0.1:9", "RETRIES": "0", "TIMEOUT": "1"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(ServiceError, match=f"Label Studio {VERSION} cannot be installed: "):
        installed(tmp_path)
    assert not Installation(tmp_path / f"label-studio-{VERSION}").empty_database.exists()


def test_a_server_that_ends_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    broken = _installation(tmp_path, "echo no space left; exit 3")
    (data := tmp_path / "data").mkdir()
    place = ("127.0.0.1", free_port(), "a@b", "secret")
    expected = "Label Studio ended with exit status 3: no space left"
    with pytest.raises(ServiceError, match=expected), running_studio(broken, data, *place):
        pass


def test_the_server_gets_none_of_the_callers_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DEBUG", "HOST", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-the-caller")
    broken = _installation(tmp_path, "env; exit 3")
    (data := tmp_path / "data").mkdir()
    place = ("127.0.0.1", free_port(), "a@b", "secret")
    with pytest.raises(ServiceError), running_studio(broken, data, *place):
        pass
    shown = (data / "label-studio.log").read_text()
    assert "COLLECT_ANALYTICS=false" in shown and "of-the-caller" not in shown
