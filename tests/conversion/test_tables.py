"""CSV and TSV."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.conversion.tables import scan_table
from tests.conversion.rows import convert

PLAY = {"instruction": "play", "output": "a()"}


def _converted(path: Path, content: str, name: str = "rows.csv", **options: Any) -> list[Any]:
    (path / name).write_bytes(content.encode())
    convert([str(path / name)], path / "out.jsonl", **options)
    return [json.loads(line) for line in (path / "out.jsonl").read_bytes().splitlines()]


def _reasons(path: Path, content: str) -> list[tuple[int, str]]:
    _converted(path, content)
    lines = (path / "out.rejects.jsonl").read_bytes().splitlines()
    return [(row["line"], row["reason"]) for row in map(json.loads, lines)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", "instruction,output\nplay,a()\n"),
        ("rows.csv", "\ufeffinstruction,output\r\nplay,a()\r\n"),
        ("rows.csv", "id;text;label\n1;play;a()\n"),
        ("rows.csv", '"content","intent"\n"play","a()"\n\n'),
        ("rows.tsv", "output\tinstruction\na()\tplay"),
        ("rows.csv", "\nsource|output\nplay|a()"),
    ],
)
def test_columns_are_found_by_their_names(tmp_path: Path, name: str, content: str) -> None:
    assert _converted(tmp_path, content, name) == [PLAY]


def test_quoted_cells_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    content = 'instruction,output\n"play, ""now""\nplease","f(a,b)"\n'
    expected = [{"instruction": 'play, "now"\nplease', "output": "f(a,b)"}]
    assert _converted(tmp_path, content) == expected


def test_a_named_column_is_taken_instead(tmp_path: Path) -> None:
    content = "instruction,question,output\nno,play,a()\n"
    assert _converted(tmp_path, content, field="question") == [PLAY]


def test_a_table_under_another_name_is_read_when_named(tmp_path: Path) -> None:
    content = "instruction,output\nplay,a()\n"
    assert _converted(tmp_path, content, "rows.dat", format="csv") == [PLAY]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("one", "cells"),
        ("one,two,three", "cells"),
        ('"one,b()', "not_csv"),
        ('"one"x,b()', "not_csv"),
        (",b()", "blank_text"),
        ("one, ", "blank_answer"),
    ],
)
def test_a_bad_row_costs_no_other(tmp_path: Path, bad: str, reason: str) -> None:
    content = f"instruction,output\nplay,a()\n{bad}\nplay,a()\n"
    assert _reasons(tmp_path, content) == [(3, reason)]


@pytest.mark.parametrize("cell", ["nan", "NaN", " <NA> ", "#N/A"])
def test_a_missing_value_is_no_intent(tmp_path: Path, cell: str) -> None:
    content = f"text,label\nplay,a()\nstop,{cell}\nhalt,{cell}\n"
    assert _reasons(tmp_path, content) == [(3, "blank_answer"), (4, "blank_answer")]


def test_a_quote_that_a_later_row_closes_costs_one_row(tmp_path: Path) -> None:
    content = 'instruction,output\n"one,b()\nplay,a()\n"play",a()\n'
    assert _reasons(tmp_path, content) == [(2, "not_csv")]


def test_a_table_without_a_text_column_lists_its_rows(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("instruction,output\nplay,a()\n")
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    summary = convert([str(tmp_path)], tmp_path / "out.jsonl")
    assert (summary.kept, summary.reasons) == (1, {"no_label": 1})


@given(st.text('a",;\n\r\t '))
def test_any_text_gives_rows_in_the_order_of_their_lines(text: str) -> None:
    lines = [value.line for value in scan_table(text.splitlines(keepends=True))]
    assert lines == sorted(lines)
