"""Test rows that bypass the split are read as sources are."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.errors import InputError
from intentflow.pipeline.steps.split import SplitConfig, SplitFiles, run_split
from intentflow.records import Example, read_records, write_records
from intentflow.taxonomy import Intent, Taxonomy

TOWNS = ("Oslo", "Lima", "Rome", "Bonn", "Kiel", "Nice", "Porto", "Quito", "Delhi", "Turin")
CALL = {"intent": "fly", "parameters": {"from": "Oslo", "to": "Rome"}}
CHAT = {
    "messages": [
        {"role": "user", "content": "is it windy on Mars"},
        {"role": "assistant", "content": "weather(Mars)"},
    ]
}


@pytest.fixture
def records(tmp_path: Path) -> Path:
    rows = [Example(f"weather in {town}", f"weather({town})") for town in TOWNS]
    path = tmp_path / "records.jsonl"
    write_records(
        path, [*rows, Example("stop it now", "stop()"), Example("halt at once", "stop()")]
    )
    return path


def split(records: Path, *given: Any, **config: Any) -> list[Example]:
    """The test rows of a split with these test files."""
    files = SplitFiles.in_folder(records.parent / "sets")
    run_split(records, files, SplitConfig(test=[str(path) for path in given], **config))
    return read_records(files.test)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("test.csv", "text,label\nis it windy on Mars,weather(Mars)\n"),
        ("test.jsonl", json.dumps(CHAT) + "\n"),
        ("test.json", '[{"instruction": "is it windy on Mars", "output": "weather(Mars)"}]'),
        ("test.transcript", "User: is it windy on Mars\nAssistant: weather(Mars)\n"),
    ],
)
def test_every_readable_format_is_taken(
    records: Path, tmp_path: Path, name: str, content: str
) -> None:
    given = write(tmp_path / name, content)
    assert split(records, given) == [Example("is it windy on Mars", "weather(Mars)")]


def test_several_sources_are_one_test_set(records: Path, tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "text,label\non Mars,weather(Mars)\n")
    second = write(tmp_path / "b.tsv", "text\tlabel\non Venus\tweather(Venus)\n")
    assert [row.output for row in split(records, first, second)] == [
        "weather(Mars)",
        "weather(Venus)",
    ]


def test_a_class_name_of_the_other_rows_is_one_in_a_single_test_row(
    records: Path, tmp_path: Path
) -> None:
    given = write(tmp_path / "test.csv", "text,label\nplease end this,stop\n")
    assert split(records, given) == [Example("please end this", "stop()")]


def test_the_fields_of_the_sources_are_those_of_the_test(records: Path, tmp_path: Path) -> None:
    given = write(tmp_path / "test.csv", "title,ask,label\nA,on Mars,weather(Mars)\n")
    assert split(records, given, field="ask") == [Example("on Mars", "weather(Mars)")]


def test_records_need_no_field(records: Path, tmp_path: Path) -> None:
    given = tmp_path / "test.jsonl"
    write_records(given, [Example("on Mars", "weather(Mars)")])
    assert split(records, given, field="ask") == [Example("on Mars", "weather(Mars)")]


def test_rejected_test_rows_are_listed(records: Path, tmp_path: Path) -> None:
    given = write(tmp_path / "test.csv", "text,label\non Mars,weather(Mars)\nnothing,\n")
    split(records, given)
    (line,) = (tmp_path / "sets" / "test-rejects.jsonl").read_text().splitlines()
    assert (json.loads(line)["line"], json.loads(line)["reason"]) == (3, "blank_answer")


def test_a_test_file_without_a_usable_row_is_refused(records: Path, tmp_path: Path) -> None:
    given = write(tmp_path / "test.csv", "text,label\nnothing,\n")
    with pytest.raises(InputError, match=r"test file: .*no row was kept: blank_answer 1"):
        split(records, given)


def test_named_parameters_are_in_the_order_of_the_taxonomy(records: Path, tmp_path: Path) -> None:
    given = write(tmp_path / "test.jsonl", json.dumps({"text": "a flight", "label": CALL}) + "\n")
    taxonomy = Taxonomy(intents={"fly": Intent(parameters=["to", "from"])})
    assert split(records, given, taxonomy=taxonomy) == [Example("a flight", "fly(Rome,Oslo)")]


def test_without_a_taxonomy_their_order_is_not_guessed(records: Path, tmp_path: Path) -> None:
    given = write(tmp_path / "test.jsonl", json.dumps({"text": "a flight", "label": CALL}) + "\n")
    with pytest.raises(InputError, match=r"the parameters of fly have names \(from, to\)"):
        split(records, given)
