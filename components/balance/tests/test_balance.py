"""The balance component."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.balance.component import balance
from intentflow.records import read_records
from tests.components.calls import call, rows

OFTEN = [(f"play song {number}", "play_music()") for number in range(6)]
SELDOM = [(f"weather on day {number}", "weather_search()") for number in range(2)]


def _balance(folder: Path, *more: tuple[str, str], **config: Any) -> dict[str, Any]:
    train_set = rows(folder / "in.jsonl", *OFTEN, *SELDOM, *more)
    return call(balance, folder, train_set=train_set, config=config)


def test_oversampling_repeats_rows_of_the_seldom_intent(tmp_path: Path) -> None:
    balanced = _balance(tmp_path, mode="oversample")["balanced"]
    counts = Counter(row.output for row in read_records(Path(balanced.path)))
    assert counts["weather_search()"] > len(SELDOM)
    assert counts["play_music()"] == len(OFTEN)


def test_rows_before_and_after_are_shown_and_on_disk(tmp_path: Path) -> None:
    outputs = _balance(tmp_path, mode="oversample")
    counts, balanced = outputs["counts"], outputs["balanced"]
    assert counts.metadata["rows"] == len(OFTEN + SELDOM)
    assert balanced.metadata["rows"] == len(read_records(Path(balanced.path)))
    assert json.loads(Path(counts.path).read_text()) == counts.metadata


def test_rows_above_the_cap_are_an_output_with_their_line_and_reason(tmp_path: Path) -> None:
    outputs = _balance(tmp_path, ("stop it", "stop()"), mode="cap")
    listed = [json.loads(line) for line in Path(outputs["left_out"].path).read_text().splitlines()]
    kept = {row.instruction for row in read_records(Path(outputs["balanced"].path))}
    given = [utterance for utterance, _ in OFTEN + SELDOM] + ["stop it"]
    expected = {(n, text) for n, text in enumerate(given, 1) if text not in kept}
    assert {(row["row"], row["instruction"]) for row in listed} == expected != set()
    assert {row["reason"] for row in listed} == {"above_cap"}


def test_synthesis_without_a_teacher_ends_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _balance(tmp_path, mode="synthesize")
    assert stopped.value.code == 2
    assert "teacher" in capsys.readouterr().err
