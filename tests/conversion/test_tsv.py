"""Tab-separated files: quotes are text, unless all cells are quoted."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conversion.rows import convert

HEADER = "text\tlabel\n"


def _rows(
    path: Path, content: str, name: str = "rows.tsv", **options: Any
) -> list[tuple[str, str]]:
    data = content.encode()
    (path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    convert([str(path / name)], path / "out.jsonl", **options)
    rows = map(json.loads, (path / "out.jsonl").read_text(encoding="utf-8").splitlines())
    return [(row["instruction"], row["output"]) for row in rows]


@pytest.mark.parametrize("options", [{}, {"format": "csv"}])
@pytest.mark.parametrize("name", ["rows.tsv", "rows.tsv.gz"])
def test_a_quote_that_opens_a_cell_swallows_no_rows(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    content = HEADER + '"call me at 8\talarm(8)\nplay pop\tplay(pop)\nleave it"\tcancel()\n'
    assert _rows(tmp_path, content, name, **options) == [
        ('"call me at 8', "alarm(8)"),
        ("play pop", "play(pop)"),
        ('leave it"', "cancel()"),
    ]


@pytest.mark.parametrize(
    "text", ['a 7" record', '"named" first', 'ends with "this"', '"', '""', '"a" and "b"']
)
def test_quotes_inside_a_cell_are_text(tmp_path: Path, text: str) -> None:
    assert _rows(tmp_path, f"{HEADER}{text}\tshow()\n") == [(text, "show()")]


@pytest.mark.parametrize("header", ["text\tlabel\tn\n", '"text"\t"label"\t"n"\r\n'])
def test_a_file_with_all_cells_quoted_is_unquoted(tmp_path: Path, header: str) -> None:
    content = header + '"say ""hi""\tnow"\t"greet()"\t1\n"two\nlines"\t"f()"\t\n'
    assert _rows(tmp_path, content) == [('say "hi"\tnow', "greet()"), ("two\nlines", "f()")]


def test_one_cell_without_quotes_makes_all_quotes_text(tmp_path: Path) -> None:
    content = HEADER + '"quoted"\t"f()"\n"half\tg()\n'
    assert _rows(tmp_path, content) == [('"quoted"', '"f()"'), ('"half', "g()")]


def test_a_long_quoted_file_is_recognised_by_its_first_rows(tmp_path: Path) -> None:
    content = HEADER + '"a b\nc"\t"f()"\n' * 1000
    assert _rows(tmp_path, content) == [("a b\nc", "f()")] * 1000


def test_an_unclosed_quote_does_not_make_a_long_file_quoted(tmp_path: Path) -> None:
    content = HEADER + '"a"\t"f()"\n"b\tf()\n' + "c\tf()\n" * 1500
    assert len(_rows(tmp_path, content)) == 1502


def test_the_number_of_rows_is_that_of_the_lines(tmp_path: Path) -> None:
    lines = [f"{quote}row {n}\tf({n})" for n, quote in enumerate(['"', "", '""', "'", '"'] * 9)]
    assert len(_rows(tmp_path, HEADER + "\n".join(lines))) == len(lines)
