"""A run that ended anywhere goes on from its journal and pays for nothing twice."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from intentflow.errors import IntentflowError
from intentflow.records import Example, read_records, write_records
from intentflow.synthesis import Teacher, synthesise
from tests.synthesis.conftest import KEY
from tests.synthesis.teacher_server import TeacherServer

Configure = Callable[..., Teacher]
SETTINGS = {"phrasings_per_request": 1, "max_growth": 4.0}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "out.synthesis.jsonl"


def test_a_run_that_ended_is_read_again_for_nothing(
    server: TeacherServer, teacher: Configure, rows: list[Example], journal: Path
) -> None:
    first = synthesise(rows, teacher(), journal=journal)
    sent, content = len(server.bodies), journal.read_bytes()
    assert synthesise(rows, teacher(), journal=journal) == first
    assert (len(server.bodies), journal.read_bytes()) == (sent, content)


def test_a_journal_cut_anywhere_leads_to_the_same_rows(
    server: TeacherServer, teacher: Configure, rows: list[Example], journal: Path
) -> None:
    complete = synthesise(rows, teacher(**SETTINGS), journal=journal)
    content = journal.read_bytes()
    for end in range(0, len(content), 611):
        journal.write_bytes(content[:end])
        assert synthesise(rows, teacher(**SETTINGS), journal=journal).examples == complete.examples


def test_answered_requests_are_not_sent_again(
    server: TeacherServer, teacher: Configure, rows: list[Example], journal: Path
) -> None:
    synthesise(rows, teacher(**SETTINGS), journal=journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    sent = len(server.bodies)
    for end in range(1, len(lines), 7):
        journal.write_bytes(b"".join(lines[:end]))
        answered = sum(b'"answered"' in line for line in lines[:end])
        before = len(server.bodies)
        synthesise(rows, teacher(**SETTINGS), journal=journal)
        assert len(server.bodies) - before == sent - answered


def test_a_request_whose_end_is_not_known_counts_as_paid(
    server: TeacherServer, teacher: Configure, rows: list[Example], journal: Path
) -> None:
    complete = synthesise(rows, teacher(), journal=journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    last = next(i for i, line in enumerate(lines) if b'"sent"' in line)
    journal.write_bytes(b"".join(lines[: last + 1]))
    again = synthesise(rows, teacher(), journal=journal)
    assert again.requests == complete.requests + 1
    assert again.tokens == complete.tokens + json.loads(lines[last])["tokens"]


def test_only_the_owner_reads_it(
    server: TeacherServer, teacher: Configure, rows: list[Example], journal: Path
) -> None:
    synthesise(rows, teacher(), journal=journal)
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("change", "named"),
    [("rows", "rows"), ("model", "teacher"), ("seed", "seed")],
)
def test_a_journal_of_another_synthesis_is_refused(
    change: str,
    named: str,
    server: TeacherServer,
    teacher: Configure,
    rows: list[Example],
    journal: Path,
) -> None:
    synthesise(rows, teacher(), journal=journal)
    content = journal.read_bytes()
    rows = rows[1:] if change == "rows" else rows
    asked = teacher(model="another") if change == "model" else teacher()
    message = rf"other {named}.*with 8 rows.*move the file away to start again"
    with pytest.raises(IntentflowError, match=message):
        synthesise(rows, asked, seed=int(change == "seed"), journal=journal)
    assert journal.read_bytes() == content


def test_limits_may_change_between_runs(
    server: TeacherServer, teacher: Configure, rows: list[Example], journal: Path
) -> None:
    first = synthesise(rows, teacher(), journal=journal)
    sent = len(server.bodies)
    changed = teacher(timeout_seconds=9, retries=0, concurrency=1, budget={"max_requests": 99})
    assert synthesise(rows, changed, journal=journal) == first
    assert len(server.bodies) == sent


@pytest.mark.parametrize(
    "content",
    [b'{"instruction": "x", "output": "f()"}\n', b"[\n{}]", b"not json\n", b"no line end", b"\n"],
)
def test_a_file_of_something_else_is_left_as_it_is(
    content: bytes,
    server: TeacherServer,
    teacher: Configure,
    rows: list[Example],
    journal: Path,
) -> None:
    journal.write_bytes(content)
    with pytest.raises(IntentflowError, match="journal"):
        synthesise(rows, teacher(), journal=journal)
    assert journal.read_bytes() == content
    assert not server.bodies


def test_a_broken_line_in_the_middle_is_named(
    server: TeacherServer, teacher: Configure, rows: list[Example], journal: Path
) -> None:
    synthesise(rows, teacher(), journal=journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], b'{"kind": "answered"}\n', *lines[3:]]))
    with pytest.raises(IntentflowError, match="line 4: not a line of a synthesis journal"):
        synthesise(rows, teacher(), journal=journal)


def test_two_runs_do_not_share_a_journal(
    server: TeacherServer, teacher: Configure, rows: list[Example], journal: Path
) -> None:
    def another_run(content: object) -> float:
        with pytest.raises(IntentflowError, match="another run is writing this journal"):
            synthesise(rows, teacher(), journal=journal)
        return 0.0

    server.delay_seconds = another_run
    assert synthesise(rows, teacher(), journal=journal).examples


def test_a_place_that_cannot_be_written_is_reported_before_anything_is_sent(
    server: TeacherServer, teacher: Configure, rows: list[Example], tmp_path: Path
) -> None:
    with pytest.raises(IntentflowError, match="cannot write the journal"):
        synthesise(rows, teacher(), journal=tmp_path)
    assert not server.bodies


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_command_resumes_where_it_was(
    kind: signal.Signals, server: TeacherServer, rows: list[Example], tmp_path: Path
) -> None:
    data, out, config = tmp_path / "train.jsonl", tmp_path / "out.jsonl", tmp_path / "t.yaml"
    write_records(data, rows)
    config.write_text(f"base_url: {server.url}\nmodel: m\nphrasings_per_request: 1\n")
    command = [sys.executable, "-m", "intentflow.cli.main", "curate", str(data), "-o", str(out)]
    command += ["--balance", "synthesize", "--teacher", str(config), "--json"]
    server.delay_seconds = lambda content: 30.0 if content.get("request") == 3 else 0.0
    stopped = _stop(command, kind, lambda: any(c["request"] == 2 for c in server.asked))
    assert not out.exists()
    if kind is signal.SIGINT:
        assert "stopped; " in stopped and "generated so far are in" in stopped
        assert "Traceback" not in stopped and KEY not in stopped
    server.delay_seconds = lambda _: 0.0
    sent = len(server.bodies)
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert len(read_records(out)) == len(rows) + 8
    summary = json.loads(done.stdout)["synthesis"]
    assert len(server.bodies) == summary["requests"] > sent
    assert KEY not in done.stdout + done.stderr + out.read_text()


def _stop(command: list[str], kind: signal.Signals, ready: Callable[[], bool]) -> str:
    """Start a command, send it a signal in the middle; returns what it wrote to stderr."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    ) as process:
        deadline = time.monotonic() + 240
        while not ready() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(kind)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == (2 if kind is signal.SIGINT else -kind)
    return errors
