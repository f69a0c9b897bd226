"""Summaries without ``--json``: plain words and tables, and nothing of Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from intentflow.artifacts.row_changes import RowChangeKind
from intentflow.cli.curate import CHANGES
from intentflow.cli.main import main
from intentflow.cli.summary_text import summary_text, table, value_text

ROWS = [
    {"instruction": f"play {name}", "output": f"play_music({name})"}
    for name in ("jazz", "blues", "opera", "funk", "salsa", "techno", "polka", "swing", "gospel")
]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        ([], "none"),
        ({}, "none"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (0.123456789, "0.123457"),
        (["a", None], "a, none"),
        ({"a": 1, "b": None}, "a 1, b none"),
        ("text", "text"),
    ],
)
def test_a_value_is_written_in_words(value: object, text: str) -> None:
    assert value_text(value) == text


def test_a_summary_is_a_table() -> None:
    text = summary_text({"training_loss": 0.25, "model": "m", "rows": 12})
    assert text == "training loss  0.25\nmodel          m\nrows             12"


def test_a_mapping_is_a_table_below_its_key() -> None:
    text = summary_text({"digests": {"train": "12", "validation": None}, "url": "http://a"})
    assert text == "url  http://a\ndigests\n  train       12\n  validation  none"


def test_mappings_of_the_same_keys_are_the_rows_of_one_table() -> None:
    checks = {"ann": {"gold_rows": 5, "agrees": 0.5}, "bo": {"gold_rows": 12, "agrees": None}}
    assert summary_text({"annotators": checks}).splitlines() == [
        "annotators",
        "       gold rows  agrees",
        "  ann          5  0.5",
        "  bo          12  none",
    ]


def test_mappings_of_other_keys_are_written_in_words() -> None:
    text = summary_text({"parts": {"train": {"rows": 5}, "test": {"seconds": 1}}})
    assert text == "parts\n  train  rows 5\n  test   seconds 1"


def test_numbers_of_a_table_end_in_one_column() -> None:
    assert table([("a", 5), ("b", 1000)]) == ["  a     5", "  b  1000"]


@pytest.fixture
def records(tmp_path: Path) -> str:
    path = tmp_path / "records.jsonl"
    rows = [*ROWS, ROWS[0]]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return str(path)


def test_split_shows_its_parts_as_a_table(
    records: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["split", records, "-o", str(tmp_path / "parts"), "--test", "0.2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "10 rows in 9 groups of similar rows"
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["part", "rows"],
        ["train", "7"],
        ["validation", "1"],
        ["test", "2"],
    ]


def test_curate_names_what_it_changed(
    records: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["curate", records, "-o", str(tmp_path / "clean.jsonl"), "--dedup", "exact"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["9 of 10 rows kept, 9 written", "  left out: equal to another row  1"]


def test_every_kind_of_change_is_described() -> None:
    assert set(CHANGES) == set(get_args(RowChangeKind))


def test_evaluate_shows_scores_with_their_intervals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "given.jsonl"
    rows = [{**row, "prediction": row["output"]} for row in ROWS]
    given.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    main(["evaluate", "--predictions-in", str(given), "-o", str(tmp_path / "metrics.json")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "9 given predictions",
        "  intent accuracy     1.000  (95 %: 1.000 to 1.000)",
    ]


def test_a_score_without_a_taxonomy_is_not_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "given.jsonl"
    given.write_text(json.dumps({**ROWS[0], "prediction": "a()"}) + "\n", encoding="utf-8")
    main(["evaluate", "--predictions-in", str(given), "-o", str(tmp_path / "metrics.json")])
    assert "  off taxonomy rate   –" in capsys.readouterr().out.splitlines()


def test_compile_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "finetune.yaml"
    main(["compile", "finetune", "-o", str(output)])
    assert capsys.readouterr().out == f"compiled the pipeline finetune: {output}\n"
