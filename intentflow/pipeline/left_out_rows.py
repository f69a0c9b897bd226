"""Rows that the steps of a run did not use, each listed with its reason in a file of the run."""

from __future__ import annotations

from typing import NamedTuple

from intentflow.pipeline.step_outputs import StepOutputs

BALANCE_LIST = "left-out-by-balance.jsonl"
TEST_REJECTS = "test-rejects.jsonl"


class LeftOutList(NamedTuple):
    """A list of rows that a step did not use.

    Attributes:
        file: File of the list in the run's folder.
        reason: Why they were not used, for the line at the end of a run.
        rows: Number of rows.
    """

    file: str
    reason: str
    rows: int


# File of the run's folder: step, output and its count of rows, and the reason in a few words.
_LISTS = {
    "rejects.jsonl": ("convert", "rejects", "rows", "rejected"),
    "changes.json": ("curate", "changes", "left_out", "repeated or in conflict"),
    "left-out.jsonl": ("split", "left_out", "rows", "near the test file"),
    TEST_REJECTS: ("split", "test_rejects", "rows", "rejected in the test file"),
    BALANCE_LIST: ("balance", "left_out", "rows", "above the cap of their intent"),
}


def left_out_lists(outputs: StepOutputs) -> list[LeftOutList]:
    """The lists that the steps of a run wrote.

    Args:
        outputs: Outputs of the steps that succeeded.

    Returns:
        One list for each of these steps, with the number of its rows, which may be 0.
    """
    return [
        LeftOutList(file, reason, int(artifact.metadata[count]))
        for file, (step, output, count, reason) in _LISTS.items()
        if (artifact := outputs.get(step, output)) is not None
    ]


def left_out_line(lists: list[LeftOutList], folder: str) -> str:
    """The line at the end of a run: how many rows were not used, and where they are listed.

    Args:
        lists: The lists of the run.
        folder: Folder of the run, as it is shown.

    Example:
        >>> found = [LeftOutList("rejects.jsonl", "rejected", 3)]
        >>> left_out_line(found, "runs/a")
        'left out: 3 rows, listed with reasons in runs/a: 3 rejected (rejects.jsonl)'
        >>> left_out_line([], "runs/a")
        'left out: no rows'
    """
    total = sum(one.rows for one in lists)
    if not total:
        return "left out: no rows"
    parts = ", ".join(f"{one.rows:,} {one.reason} ({one.file})" for one in lists if one.rows)
    rows = "1 row" if total == 1 else f"{total:,} rows"
    return f"left out: {rows}, listed with reasons in {folder}: {parts}"
