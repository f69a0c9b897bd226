"""The table of examples in the reference of formats: each is read as it shows."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import NamedTuple

import pyarrow
import pytest
from openpyxl import Workbook
from pyarrow import parquet

from intentflow.conversion import ExportReading, convert
from intentflow.conversion.formats import FORMATS
from tests.docs.pages import ROOT

_PAGE = ROOT / "docs" / "reference" / "labelling-formats.md"
_ROW = re.compile(r"\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` → `([^`]+)` \|")
_FOR_TASKS_ONLY = {"text"}


class FormatExample(NamedTuple):
    """A row of the table."""

    form: str
    file: str
    content: str
    utterance: str
    label: str


def _examples() -> list[FormatExample]:
    table = _PAGE.read_text(encoding="utf-8").partition("<!-- examples -->")[2]
    found = (_ROW.fullmatch(line) for line in table.splitlines())
    return [FormatExample(*match.groups()) for match in found if match]


def _write(path: Path, text: str) -> None:
    rows = list(csv.reader(text.splitlines()))
    if path.suffix == ".xlsx":
        book = Workbook()
        assert book.active is not None
        for row in rows:
            book.active.append(row)
        book.save(path)
    elif path.suffix == ".parquet":
        columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
        parquet.write_table(pyarrow.table({name: list(it) for name, it in columns.items()}), path)
    else:
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("example", _examples(), ids=lambda it: f"{it.form}-{it.file}")
@pytest.mark.parametrize("recognised", [True, False], ids=["recognised", "named"])
def test_an_example_is_read_as_shown(
    tmp_path: Path, example: FormatExample, recognised: bool
) -> None:
    text = example.content.replace("\\|", "|").replace("⏎", "\n") + "\n"
    _write(tmp_path / example.file, text)
    reading = ExportReading(format="auto" if recognised else example.form)
    convert([str(tmp_path / example.file)], tmp_path / "out.jsonl", reading)
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {"instruction": example.utterance, "output": example.label}


def test_every_format_has_an_example() -> None:
    assert {example.form for example in _examples()} == FORMATS.keys() - _FOR_TASKS_ONLY
