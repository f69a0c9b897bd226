"""A run's folder belongs to one run, and keeps the results of those before."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from intentflow.errors import InputError
from intentflow.pipeline.run_folder import own_folder, set_aside

RESULTS = ("metrics.json", "reports/data.html", "model", "run.log")


def _write(root: Path, name: str, text: str = "x", at: int = 1_700_000_000) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    os.utime(root / name, (at, at))


def _history(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "history").iterdir())


def test_earlier_results_are_set_aside(tmp_path: Path) -> None:
    _write(tmp_path, "metrics.json")
    _write(tmp_path, "reports/data.html", "old", at=1_700_000_060)
    with own_folder(tmp_path, RESULTS) as root:
        assert not (root / "metrics.json").exists()
        assert not (root / "reports/data.html").exists()
    assert (tmp_path / "history/2023-11-14T22-14-20Z/reports/data.html").read_text() == "old"


def test_what_is_no_result_stays(tmp_path: Path) -> None:
    _write(tmp_path, "metrics.json")
    _write(tmp_path, ".steps/cache/x")
    with own_folder(tmp_path, RESULTS):
        assert (tmp_path / ".steps/cache/x").exists()


def test_a_link_leads_to_the_same_folder_from_the_history(tmp_path: Path) -> None:
    _write(tmp_path, ".steps/1/model/config.json", "{}")
    (tmp_path / "model").symlink_to(".steps/1/model")
    found = set_aside(tmp_path, RESULTS)
    assert found is not None and (found / "model/config.json").read_text() == "{}"
    assert not os.path.lexists(tmp_path / "model")


def test_a_first_run_has_no_history(tmp_path: Path) -> None:
    with own_folder(tmp_path / "new", RESULTS):
        pass
    assert not (tmp_path / "new/history").exists()


def test_two_runs_that_ended_in_one_second_are_both_kept(tmp_path: Path) -> None:
    for _ in range(3):
        _write(tmp_path, "run.log")
        set_aside(tmp_path, RESULTS)
    name = "2023-11-14T22-13-20Z"
    assert _history(tmp_path) == [name, f"{name}-2", f"{name}-3"]


def test_the_oldest_runs_are_deleted(tmp_path: Path) -> None:
    for minute in range(4):
        _write(tmp_path, "run.log", at=1_700_000_000 + 60 * minute)
        with own_folder(tmp_path, RESULTS, kept_runs=2):
            pass
    assert _history(tmp_path) == ["2023-11-14T22-15-20Z", "2023-11-14T22-16-20Z"]


def test_none_is_kept_if_none_is_wanted(tmp_path: Path) -> None:
    _write(tmp_path, "run.log")
    with own_folder(tmp_path, RESULTS, kept_runs=0):
        assert _history(tmp_path) == []


def test_the_size_of_the_history_is_stated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _write(tmp_path, "run.log", "x" * 3000)
    with caplog.at_level(logging.INFO), own_folder(tmp_path, RESULTS):
        pass
    assert "results of 1 earlier run, 2.9 kB" in caplog.text


def test_a_second_run_is_refused_with_the_first_ones_process(tmp_path: Path) -> None:
    with (
        own_folder(tmp_path, RESULTS),
        pytest.raises(InputError, match=rf"process {os.getpid()} on .*, since 20.* UTC\)"),
        own_folder(tmp_path, RESULTS),
    ):
        raise AssertionError("two runs in one folder")


def test_the_folder_is_free_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), own_folder(tmp_path, RESULTS):
        raise ZeroDivisionError
    with own_folder(tmp_path, RESULTS) as root:
        assert root == tmp_path


def test_the_folder_is_free_after_a_kill(tmp_path: Path) -> None:
    code = (
        "import os, sys; from intentflow.pipeline.run_folder import own_folder\n"
        "with own_folder(sys.argv[1], ()): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    with own_folder(tmp_path, RESULTS) as root:
        assert root == tmp_path


def test_of_many_runs_one_gets_the_folder(tmp_path: Path) -> None:
    inside, refused, barrier = [], [], threading.Barrier(8)
    release = threading.Event()

    def run() -> None:
        barrier.wait()
        try:
            with own_folder(tmp_path, RESULTS):
                inside.append(1)
                release.wait(10)
        except InputError:
            refused.append(1)
        if len(refused) == 7:
            release.set()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(inside), len(refused)) == (1, 7)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"), own_folder(tmp_path / "file", RESULTS):
        raise AssertionError("a file became a folder")
