"""Rows of predictions, this project's and other tools'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.predictions import GivenPrediction, ScoredPrediction
from intentflow.errors import IntentflowError

ROW = {"instruction": "play some jazz", "output": "play(jazz)", "prediction": "play(rock)"}


def _written(folder: Path, *rows: object) -> Path:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "rows.jsonl"


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [
        ScoredPrediction(
            **ROW, intent_right=True, parameters_right=right, confidence=0.5, seconds=0.1
        )
        for right in (True, False)
    ]
    ScoredPrediction.write_rows(tmp_path / "rows.jsonl", rows)
    read = GivenPrediction.read_rows(tmp_path / "rows.jsonl")
    assert [row.as_dict() for row in read] == [row.as_dict() for row in rows]


def test_rows_are_their_owners_alone(tmp_path: Path) -> None:
    row = ScoredPrediction(**ROW, intent_right=True, parameters_right=False)
    ScoredPrediction.write_rows(tmp_path / "rows.jsonl", [row])
    assert (tmp_path / "rows.jsonl").stat().st_mode & 0o077 == 0


def test_an_array_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps([ROW, ROW]))
    assert len(GivenPrediction.read_rows(tmp_path / "rows.json")) == 2


def test_what_another_tool_states_of_a_row_is_not_looked_at(tmp_path: Path) -> None:
    foreign = {**ROW, "intent_right": "yes", "seconds": "fast", "tags": [1]}
    (read,) = GivenPrediction.read_rows(_written(tmp_path, foreign))
    assert read.prediction == "play(rock)"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([], "expected the texts instruction, output, prediction"),
        ({"instruction": "a", "output": "b()"}, "expected the texts instruction, output"),
        ({**ROW, "prediction": None}, "expected the texts instruction, output, prediction"),
        ({**ROW, "confidence": 2}, "confidence is not a number from 0 to 1"),
        ({**ROW, "schema_version": 2}, "schema_version 2 is newer than 1"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(row: Any, message: str, tmp_path: Path) -> None:
    path = _written(tmp_path, ROW, row)
    with pytest.raises(IntentflowError, match=f"rows.jsonl line 2: {message}"):
        GivenPrediction.read_rows(path)
