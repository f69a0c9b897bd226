"""The split component."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.split.component import split
from intentflow.records import read_records
from tests.components.calls import call, rows
from tests.models import rows as some_rows

ROWS = [(row.instruction, row.output) for row in some_rows()]
PARTS = ("train_set", "validation_set", "test_set")


def _split(folder: Path, **config: Any) -> dict[str, Any]:
    records = rows(folder / "in.jsonl", *ROWS)
    return call(split, folder, records=records, test_digest="", config=config)


def test_every_row_is_in_one_part(tmp_path: Path) -> None:
    outputs = _split(tmp_path, test_share=0.2, validation_share=0.2)
    found = [row.instruction for part in PARTS for row in read_records(outputs[part].path)]
    assert sorted(found) == sorted(utterance for utterance, _ in ROWS)


def test_parts_know_how_many_rows_they_have(tmp_path: Path) -> None:
    outputs = _split(tmp_path, test_share=0.2, validation_share=0.2)
    for part in PARTS:
        assert outputs[part].metadata["rows"] == len(read_records(outputs[part].path)) > 0


def test_a_test_file_bypasses_the_split(tmp_path: Path) -> None:
    given = rows(tmp_path / "given.jsonl", ("is it windy on Mars", "weather_search(Mars)"))
    outputs = _split(tmp_path, test=str(given))
    assert Path(outputs["test_set"].path).read_bytes() == given.read_bytes()


def test_no_test_rows_end_the_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        _split(tmp_path, test_share=0.0)
    assert stopped.value.code == 2
    assert "no test rows" in capsys.readouterr().err


def test_rows_near_the_test_file_are_an_output_with_their_reason(tmp_path: Path) -> None:
    given = rows(tmp_path / "given.jsonl", ROWS[0])
    left_out = _split(tmp_path, test=str(given))["left_out"]
    listed = [json.loads(line) for line in Path(left_out.path).read_text().splitlines()]
    assert {(row["reason"], row["instruction"]) for row in listed} >= {
        ("near_test_row", ROWS[0][0])
    }
    assert left_out.metadata["rows"] == len(listed)


def test_a_split_that_leaves_nothing_out_has_an_empty_list(tmp_path: Path) -> None:
    left_out = _split(tmp_path, test_share=0.2)["left_out"]
    assert (Path(left_out.path).read_text(), left_out.metadata["rows"]) == ("", 0)
