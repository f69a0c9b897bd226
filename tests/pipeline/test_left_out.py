"""Rows that a run does not use are listed in its folder, and counted in its last line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from intentflow.pipeline.left_out_rows import left_out_line, left_out_lists
from intentflow.pipeline.step_outputs import StepOutputs
from intentflow.records import Example, write_records
from tests.pipeline.graph import TEST, Run, labels, run_graph, write_inputs


def of_the_graph(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that needs a run of the graph's first steps, which takes up to a minute."""
    return pytest.mark.slow(pytest.mark.timeout(300)(test))


def _outputs(**counts: dict[str, int]) -> StepOutputs:
    """Outputs of steps with the metadata of one of them each, by ``step__output``."""
    by_step: dict[str, Any] = {}
    for place, metadata in counts.items():
        step, _, output = place.partition("__")
        by_step[step] = {output: SimpleNamespace(metadata=metadata)}
    return StepOutputs(by_step)


def test_the_line_counts_the_rows_of_every_list() -> None:
    outputs = _outputs(
        convert__rejects={"rows": 1200},
        curate__changes={"left_out": 3},
        split__left_out={"rows": 2},
        balance__left_out={"rows": 1},
    )
    assert left_out_line(left_out_lists(outputs), "runs/a") == (
        "left out: 1,206 rows, listed with reasons in runs/a: 1,200 rejected (rejects.jsonl), "
        "3 repeated or in conflict (changes.json), 2 near the test file (left-out.jsonl), "
        "1 above the cap of their intent (left-out-by-balance.jsonl)"
    )


def test_the_line_leaves_out_lists_without_rows() -> None:
    outputs = _outputs(convert__rejects={"rows": 0}, split__left_out={"rows": 1})
    expected = "left out: 1 row, listed with reasons in a: 1 near the test file (left-out.jsonl)"
    assert left_out_line(left_out_lists(outputs), "a") == expected


def test_a_step_that_did_not_run_has_no_list() -> None:
    outputs = _outputs(convert__rejects={"rows": 0})
    assert [one.file for one in left_out_lists(outputs)] == ["rejects.jsonl"]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A run whose labels hold one row of each kind that is left out, and rows above a cap."""
    config = write_inputs(tmp_path_factory.mktemp("inputs"), tiny_base_model)
    rows = labels()
    more = [Example(f"turn the volume to {n * 7}", "play_music()") for n in range(40)]
    empty = Example("no label", "")
    write_records(config.parent / "labels.jsonl", [empty, *rows, rows[0], TEST[0], *more])
    return config


@pytest.fixture(scope="module")
def run(config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """The run, which ends before its training, and its folder."""
    folder = tmp_path_factory.mktemp("run")
    settings = ("pipeline.balance=cap", "recipe.model_name_or_path=/no/such/model")
    return run_graph(config, folder, *(f"--set={setting}" for setting in settings)), folder


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


@of_the_graph
def test_a_rejected_row_is_listed_with_its_line(run: tuple[Run, Path]) -> None:
    (row,) = _rows(run[1], "rejects.jsonl")
    assert (row["line"], row["reason"]) == (1, "blank_answer")


@of_the_graph
def test_a_repeated_row_is_listed_by_its_line_in_the_records(run: tuple[Run, Path]) -> None:
    changes = json.loads((run[1] / "changes.json").read_text("utf-8"))
    ((row, other),) = [(it["row"], it["other"]) for it in changes if it["kind"] == "duplicate"]
    records = _rows(run[1], "records.jsonl")
    assert records[row - 1] == records[other - 1]


@of_the_graph
def test_a_row_near_the_test_file_is_listed_by_its_line_in_the_curated_rows(
    run: tuple[Run, Path],
) -> None:
    listed, curated = _rows(run[1], "left-out.jsonl"), _rows(run[1], "curated.jsonl")
    assert TEST[0].instruction in [row["instruction"] for row in listed]
    assert [curated[row["row"] - 1]["instruction"] for row in listed] == [
        row["instruction"] for row in listed
    ]


@of_the_graph
def test_a_row_above_the_cap_is_listed_and_not_trained(run: tuple[Run, Path]) -> None:
    listed = {row["instruction"] for row in _rows(run[1], "left-out-by-balance.jsonl")}
    near = {row["instruction"] for row in _rows(run[1], "left-out.jsonl")}
    curated = {row["instruction"] for row in _rows(run[1], "curated.jsonl")}
    assert (bool(listed), listed <= curated, listed & near) == (True, True, set())


@of_the_graph
def test_a_line_at_the_end_counts_what_the_files_list(run: tuple[Run, Path]) -> None:
    names = ("left-out.jsonl", "left-out-by-balance.jsonl")
    near, capped = (len(_rows(run[1], name)) for name in names)
    line = run[0].err.splitlines()[-2]  # before the error that ended this run
    assert line == (
        f"left out: {2 + near + capped} rows, listed with reasons in {run[1]}: "
        f"1 rejected (rejects.jsonl), 1 repeated or in conflict (changes.json), "
        f"{near} near the test file (left-out.jsonl), "
        f"{capped} above the cap of their intent (left-out-by-balance.jsonl)"
    )
