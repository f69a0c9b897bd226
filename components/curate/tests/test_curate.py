"""The curate component."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.curate.component import curate
from intentflow.records import read_records
from tests.components.calls import call, rows

MAIL = ("write to jo@example.com", "send_mail()")
SONG = ("play Abba", "play_music(Abba)")


def _curate(folder: Path, *pairs: tuple[str, str], **config: Any) -> dict[str, Any]:
    return call(curate, folder, records=rows(folder / "in.jsonl", *pairs), config=config)


def test_rows_that_repeat_are_left_out(tmp_path: Path) -> None:
    curated = _curate(tmp_path, SONG, SONG, MAIL, dedup="exact")["curated"]
    assert [row.output for row in read_records(Path(curated.path))] == [SONG[1], MAIL[1]]


def test_personal_data_is_replaced(tmp_path: Path) -> None:
    curated = _curate(tmp_path, MAIL, SONG, redact=True)["curated"]
    assert "jo@example.com" not in Path(curated.path).read_text(encoding="utf-8")


@pytest.mark.parametrize("output", ["changes", "report"])
def test_what_was_redacted_is_shown_without_the_value(tmp_path: Path, output: str) -> None:
    artifact = _curate(tmp_path, MAIL, SONG, redact=True)[output]
    text = Path(artifact.path).read_text(encoding="utf-8")
    assert text.strip()
    assert "jo@example.com" not in text


def test_rows_left_out_are_counted_and_listed_by_their_line(tmp_path: Path) -> None:
    changes = _curate(tmp_path, MAIL, SONG, SONG, dedup="exact", redact=False)["changes"]
    listed = json.loads(Path(changes.path).read_text(encoding="utf-8"))
    assert listed == [{"row": 3, "kind": "duplicate", "other": 2}]
    assert changes.metadata["left_out"] == 1


def test_an_unknown_way_to_deduplicate_ends_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _curate(tmp_path, SONG, dedup="fuzzy")
    assert stopped.value.code == 2
    assert "dedup" in capsys.readouterr().err
