"""The merge component."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.merge.component import merge
from intentflow.records import read_records
from tests.components.calls import call, rows
from tests.feedback.service_logs import correction, write_store


def _merge(folder: Path, **changes: Any) -> dict[str, Any]:
    given = {
        "records": rows(folder / "records", ("play it", "play()"), ("stop it", "stop()")),
        "champion_data": "",
        "feedback": [],
        "feedback_digest": "",
        "test_digest": "",
        "convert": {},
        "curate": {},
        "split": {"test_share": 0.0},
    }
    return call(merge, folder, **{**given, **changes})


def _labels(outputs: dict[str, Any], name: str) -> list[str]:
    return [row.output for row in read_records(outputs[name].path)]


def test_rows_of_the_champion_and_new_ones_are_merged(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    rows(data / "train.jsonl", ("stop it", "pause()"))
    rows(data / "test.jsonl", ("halt", "stop()"))
    found = _merge(tmp_path, champion_data=str(data))
    assert _labels(found, "merged") == ["stop()", "play()"]
    assert _labels(found, "test_set") == ["stop()"]
    assert (found["merged"].metadata, found["test_set"].metadata) == ({"rows": 2}, {"rows": 1})


def test_corrections_are_merged(tmp_path: Path) -> None:
    log = write_store(tmp_path / "log", [correction("r1", "stop it", "end()")])
    found = _merge(tmp_path, feedback=[str(log)])
    assert _labels(found, "merged") == ["play()", "end()"]
    (change,) = Path(found["changes"].path).read_text().splitlines()
    assert json.loads(change)["by"] == "end()"


def test_a_data_set_that_is_gone_ends_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _merge(tmp_path, champion_data=str(tmp_path / "nowhere"))
    assert stopped.value.code == 2
    assert "nowhere" in capsys.readouterr().err
