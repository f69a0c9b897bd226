"""The convert component."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.convert.component import convert
from intentflow.records import read_records
from tests.components.calls import call

LABELLED = {"instruction": "play Abba", "output": "play_music(Abba)"}
UNLABELLED = {"instruction": "play Muse", "output": ""}


def _convert(folder: Path, *labels: dict[str, str], **config: Any) -> dict[str, Any]:
    export = folder / "export.jsonl"
    export.write_text("".join(json.dumps(row) + "\n" for row in labels), encoding="utf-8")
    return call(convert, folder, sources=[str(export)], sources_digest="", config=config)


def test_labelled_rows_become_records(tmp_path: Path) -> None:
    records = _convert(tmp_path, LABELLED, UNLABELLED)["records"]
    [row] = read_records(Path(records.path))
    assert {"instruction": row.instruction, "output": row.output} == LABELLED


def test_rejected_rows_have_a_file_and_their_reasons(tmp_path: Path) -> None:
    rejects = _convert(tmp_path, LABELLED, UNLABELLED)["rejects"]
    [line] = Path(rejects.path).read_text(encoding="utf-8").splitlines()
    assert rejects.metadata == {"rows": 1, "reasons": {json.loads(line)["reason"]: 1}}


def test_counts_are_shown_and_on_disk(tmp_path: Path) -> None:
    counts = _convert(tmp_path, LABELLED, UNLABELLED)["counts"]
    assert counts.metadata == {"rows": 2, "kept": 1, "rejected": 1}
    assert json.loads(Path(counts.path).read_text()) == counts.metadata


def test_too_many_rejects_end_the_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        _convert(tmp_path, LABELLED, UNLABELLED, max_reject_rate=0.1)
    assert stopped.value.code == 1
    assert "intentflow convert: error: " in capsys.readouterr().err
