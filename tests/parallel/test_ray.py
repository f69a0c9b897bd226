"""Ray: a cluster of two workers gives what one process gives, also when a worker is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from intentflow.conversion import convert
from intentflow.curation import curate
from intentflow.errors import InputError, ServiceError
from intentflow.parallel import Executor, open_executor
from intentflow.records import content_digest, read_records
from tests.conversion.rows import documented_row

pytestmark = [pytest.mark.real, pytest.mark.timeout(500)]

ROWS = 40_000
MAIL = "jane{}@example.com"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Executor]:
    """Two workers on this computer."""
    with open_executor("ray", workers=2) as executor:
        yield executor


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An iTAG export of several blocks, some rows of it broken, one a vote."""
    path = tmp_path_factory.mktemp("export") / "rows.manifest"
    rows = [documented_row(f"{n} 杭州", f"f({n}）", note=n) for n in range(ROWS)]
    rows[7], rows[ROWS // 2] = "\n", f"oops {MAIL}\n"
    rows[9] = json.dumps({"id": 1, "text": "play", "label": ["a()"]}) + "\n"
    path.write_text("".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records with personal data and near-duplicates."""
    path = tmp_path_factory.mktemp("records") / "rows.jsonl"
    rows = (
        {"instruction": f"write to {MAIL.format(n)} about order {n // 2} please", "output": "f()"}
        for n in range(4500)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def end_once(marker: Path, item: int) -> int:
    """The item; the first worker that sees item 3 is killed."""
    if item == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def end_always(_item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def refuse(_item: int) -> int:
    raise InputError("row 1: no good")


def test_a_killed_worker_costs_no_result(cluster: Executor, tmp_path: Path) -> None:
    function = partial(end_once, tmp_path / "marker")
    assert list(cluster.map(function, range(40))) == list(range(40))
    assert (tmp_path / "marker").exists()


def test_a_worker_that_is_lost_each_time_is_explained(
    cluster: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intentflow.parallel.ray_executor._RETRIES", 1)
    with pytest.raises(ServiceError, match="attempted 2 times and its worker was lost"):
        list(cluster.map(end_always, [1]))


def test_what_a_worker_says_is_wrong_with_the_input_is_reported(cluster: Executor) -> None:
    with pytest.raises(InputError, match=r"^row 1: no good$"):
        list(cluster.map(refuse, [1]))


def test_convert_gives_the_bytes_that_one_process_gives(
    cluster: Executor, export: Path, tmp_path: Path
) -> None:
    outcomes = []
    for name, executor in (("here", None), ("ray", cluster)):
        folder = tmp_path / name
        folder.mkdir()
        summary = convert([str(export)], folder / "out.json", executor=executor, workers=1)
        assert summary.rejected == 1
        files = sorted(path for path in folder.iterdir())
        outcomes.append((summary.digest, summary.rows, [path.read_bytes() for path in files]))
    assert outcomes[0] == outcomes[1]


def test_curate_gives_the_rows_that_one_process_gives(cluster: Executor, records: Path) -> None:
    examples = read_records(records)
    here, there = (
        curate(examples, dedup="near", executor=executor) for executor in (None, cluster)
    )
    assert content_digest(here.examples) == content_digest(there.examples)
    assert (here.changes, here.clusters) == (there.changes, there.clusters)


def _command(verb: str, source: Path, out: Path, *options: str) -> list[str]:
    program = [sys.executable, "-m", "intentflow.cli.main", verb, str(source), "-o", str(out)]
    return [*program, "--json", *options]


@contextmanager
def _started(command: list[str]) -> Iterator[psutil.Popen]:
    """A command, ended with the processes that it started if the test gives up on it."""
    process = psutil.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            for one in [*process.children(recursive=True), process]:
                one.kill()
            process.wait()


def _ray_processes(command: psutil.Popen, name: str = "") -> list[psutil.Process]:
    """ProcessExecutor that a command started, by the beginning of what they are called."""
    found = []
    for process in command.children(recursive=True):
        try:
            called = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if called.startswith(name):
            found.append(process)
    return found


def _until(done: Callable[[], Any], seconds: float) -> Any:
    """The first result of a question that is asked until it has one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := done():
            return found
        time.sleep(0.02)  # each look at all processes takes CPU time from the cluster
    raise AssertionError(f"nothing within {seconds} s")


def _workers(command: psutil.Popen) -> list[psutil.Process]:
    """The processes that apply a function to rows, as soon as there are some."""

    def working() -> list[psutil.Process]:
        if command.poll() is not None:
            raise AssertionError(f"it ended first: {command.stderr.read().decode()}")
        return _ray_processes(command, "ray::_apply")

    found: list[psutil.Process] = _until(working, 300)
    return found


def _ended(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def test_the_command_has_the_same_digest_though_a_worker_is_killed(
    records: Path, tmp_path: Path
) -> None:
    options = ["--redact", "--dedup", "near"]
    here = subprocess.run(
        _command("curate", records, tmp_path / "here.json", *options),
        capture_output=True,
        check=True,
    )
    options += ["--engine", "ray", "--workers=2"]
    with _started(_command("curate", records, tmp_path / "ray.json", *options)) as command:
        _workers(command)[0].kill()
        started = _ray_processes(command)
        out, error = command.communicate(timeout=240)
    summary = json.loads(out.splitlines()[-1])
    assert summary["digest"] == json.loads(here.stdout.splitlines()[-1])["digest"], error
    assert len(out.splitlines()) == 1
    _until(lambda: _ended(started), 60)


def test_ctrl_c_ends_the_command_and_its_cluster(records: Path, tmp_path: Path) -> None:
    options = ["--redact", "--engine", "ray", "--workers=1"]
    with _started(_command("curate", records, tmp_path / "out.json", *options)) as command:
        _workers(command)
        started = _ray_processes(command)
        command.send_signal(signal.SIGINT)
        _, error = command.communicate(timeout=120)
    assert command.returncode == 2
    assert error.decode().splitlines()[-1].endswith("stopped; no incomplete output was kept")
    assert b"Traceback" not in error
    assert list(tmp_path.iterdir()) == []
    _until(lambda: _ended(started), 60)
