"""Executors of local processes, and the choice of an executor."""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.parallel import (
    ProcessExecutor,
    allowed_workers,
    executor_from_environment,
    map_rows,
    open_executor,
    usable_cpus,
)


def double(rows: Sequence[int]) -> list[int]:
    return [2 * row for row in rows]


def process_ids(rows: Sequence[int]) -> list[int]:
    return [os.getpid() for _ in rows]


def end_abruptly(_item: int) -> int:
    os._exit(9)


@pytest.mark.parametrize("count", [0, 1, 10, 11, 95])
@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_rows(count: int, workers: int) -> None:
    rows = list(range(count))
    assert map_rows(ProcessExecutor(workers, 0), double, rows, chunk_rows=10) == double(rows)


def test_few_rows_start_no_process() -> None:
    assert set(map_rows(ProcessExecutor(2), process_ids, [1, 2, 3], chunk_rows=1)) == {os.getpid()}


def test_many_rows_are_processed_by_other_processes() -> None:
    assert os.getpid() not in map_rows(ProcessExecutor(2, 0), process_ids, [1, 2, 3], chunk_rows=1)


def test_a_killed_worker_process_is_explained() -> None:
    with pytest.raises(IntentflowError, match="fewer --workers"):
        list(ProcessExecutor(2).map(end_abruptly, [1, 2]))


def test_there_are_no_more_processes_than_items(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Counted(ProcessPoolExecutor):
        def __init__(self, workers: int, context: Any) -> None:
            started.append(workers)
            super().__init__(workers, context)

    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", Counted)
    assert list(ProcessExecutor(5000).map(double, iter([[1], [2]]))) == [[2], [4]]
    assert started == [2]


@pytest.mark.parametrize("items", [[], [[1]]])
def test_one_item_starts_no_process(items: list[list[int]]) -> None:
    assert list(ProcessExecutor(9).map(process_ids, items)) == [[os.getpid()] for _ in items]


def test_too_many_workers_are_lowered_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    max_workers = 4 * usable_cpus()
    with open_executor(workers=10**9) as executor:
        assert isinstance(executor, ProcessExecutor)
        assert executor.workers == max_workers
    assert capsys.readouterr().err.count(f"lowered to {max_workers}") == 1


def test_an_allowed_number_of_workers_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert allowed_workers(4 * usable_cpus()) == 4 * usable_cpus()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", ["convert", "curate"])
@pytest.mark.parametrize(("workers", "status"), [("-1", 2), ("0", 2), ("x", 2), ("99999", 0)])
def test_the_number_of_workers_is_bounded(
    tmp_path: Path, command: str, workers: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.jsonl").write_text('{"instruction": "a", "output": "f()"}\n')
    sources = [str(tmp_path / "one.jsonl"), str(tmp_path / "two.jsonl")][: 1 + (command[2] == "n")]
    out = str(tmp_path / "out.json")
    assert main([command, *sources, "-o", out, "--workers", workers]) == status
    assert capsys.readouterr().err.count("lowered to") == (status == 0)


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(IntentflowError, match="choose one of: local, ray"), open_executor("spark"):
        pass


def test_a_step_takes_its_executor_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTENTFLOW_ENGINE", "local")
    with executor_from_environment() as executor:
        assert isinstance(executor, ProcessExecutor)


def test_a_step_without_the_variable_has_no_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTENTFLOW_ENGINE", raising=False)
    with executor_from_environment() as executor:
        assert executor is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ray-address", "auto"], "needs --engine ray"),
        (["--engine", "spark"], "invalid choice"),
        (["--engine", "ray", "--workers", "0"], "1 or more"),
        (["--engine", "ray", "--ray-address", "nonsense"], "give auto, HOST:PORT"),
        (["--engine", "ray", "--ray-address", "127.0.0.1:1"], "no Ray cluster at 127.0.0.1:1"),
        (["--engine", "ray", "--ray-address", "ray://127.0.0.1:1"], "no Ray cluster at ray://"),
    ],
)
def test_bad_usage_is_one_line_and_status_two(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.jsonl").write_text('{"instruction": "a", "output": "f()"}\n')
    source, out = str(tmp_path / "rows.jsonl"), str(tmp_path / "out.json")
    assert main(["convert", source, "-o", out, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "rows.jsonl").write_text('{"instruction": "a", "output": "f()"}\n')
    source, out = str(tmp_path / "rows.jsonl"), str(tmp_path / "out.json")
    assert main(["convert", source, "-o", out, "--engine", "ray"]) == 2
    assert "pip install 'intentflow[ray]'" in capsys.readouterr().err
