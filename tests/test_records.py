"""Data sets and their files."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow import records
from intentflow.errors import InputError, IntentflowError
from intentflow.records import (
    Example,
    content_digest,
    read_numbered_records,
    read_records,
    write_records,
)

ROWS = [Example("hello", "greet()"), Example("你好", "greet()", True, "call 7")]
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
def test_what_is_written_reads_back(tmp_path: Path, name: str) -> None:
    write_records(tmp_path / name, ROWS)
    assert read_records(tmp_path / name) == ROWS


DIALOGUES = st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.builds(Example, TEXT, TEXT, st.booleans(), DIALOGUES), min_size=1))
def test_any_text_survives_both_file_formats(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Example]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    for name in ("rows.json", "rows.jsonl"):
        write_records(folder / name, rows)
        assert read_records(folder / name) == rows


def test_the_digest_is_the_same_in_both_file_formats(tmp_path: Path) -> None:
    digests = {write_records(tmp_path / name, ROWS) for name in ("a.json", "a.jsonl")}
    assert digests == {content_digest(ROWS)}


def test_the_digest_knows_the_order_of_rows() -> None:
    assert content_digest(ROWS) != content_digest(ROWS[::-1])


def test_a_row_without_a_dialogue_has_the_digest_it_always_had() -> None:
    rows = [Example("hello", "greet()")]
    known = "cb914626945b9837a0e949249b4efab55898f79620518c9d8b192740853284c8"
    assert content_digest(rows) == known


@pytest.mark.parametrize("dialogue", ["", None])
def test_an_empty_dialogue_is_none(tmp_path: Path, dialogue: str | None) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"instruction": "a", "output": "b()", "dialogue": dialogue}
    path.write_text(json.dumps(row), encoding="utf-8")
    assert read_records(path) == [Example("a", "b()")]


def test_the_trailing_comma_of_the_guides_sample_is_forgiven(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text('[ { "instruction": "louder", "output": "volume_up()" }, ]', encoding="utf-8")
    assert read_records(path) == [Example("louder", "volume_up()")]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"instruction": "a", "output": "b()"}\n', encoding="utf-8-sig")
    assert read_records(path) == [Example("a", "b()")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"[]", "contains no rows"),
        (b"\xff\xfe{", "not UTF-8"),
        (b'{"instruction": "a", "output": "b()"}\n{', "line 2: not JSON"),
        (b'[{"instruction": "a"}]', "row 1: output is missing"),
        (b'{"instruction": 1, "output": "b()"}', "line 1: instruction is missing or not text"),
        (b"[1]", "row 1: expected an object"),
        (b'{"instruction": "a", "output": "b()", "dialogue": 7}', "line 1: dialogue is not text"),
        (
            rb'{"instruction": "a\ud800", "output": "b()"}',
            r"line 1: instruction contains half of a surrogate pair \(\\ud800\)",
        ),
        (
            rb'[{"instruction": "a", "output": "b()", "dialogue": "\udfff"}]',
            "row 1: dialogue contains half of a surrogate pair",
        ),
    ],
)
def test_a_bad_file_is_named_with_the_place(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(IntentflowError, match=message) as caught:
        read_records(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl.gz", gzip.compress(b"{}", mtime=0)),
        ("packed.jsonl", gzip.compress(b"{}", mtime=0)),
        ("a.csv", b"instruction,output\na,b()\n"),
        ("a.manifest", b'{"data": {"instruction": "a"}}\n'),
        ("a.json", b"[oops"),
        ("a.txt", b"hello\n"),
    ],
)
def test_a_file_of_another_format_is_to_be_converted(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(IntentflowError, match="convert it first: intentflow convert"):
        read_records(tmp_path / name)


def test_one_broken_record_is_no_file_of_another_format(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"instruction": "a", "output": "b()"}\n{')
    with pytest.raises(IntentflowError, match=r"line 2: not JSON$"):
        read_records(tmp_path / "a.jsonl")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="No such file"):
        read_records(tmp_path / "none.json")


def test_a_folder_is_not_taken_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="is a folder"):
        read_records(tmp_path)


def test_a_failure_while_writing_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_records(path, ROWS)

    def failing() -> object:
        yield ROWS[0]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_records(path, failing())  # type: ignore[arg-type]
    assert read_records(path) == ROWS
    assert list(tmp_path.iterdir()) == [path]


def test_an_object_in_a_bucket_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(uri: str, directory: Path) -> Path:
        assert uri == "s3://bucket/rows.jsonl"
        write_records(directory / "rows.jsonl", ROWS)
        return directory / "rows.jsonl"

    monkeypatch.setattr("intentflow.storage.fetch", fetch)
    assert read_records("s3://bucket/rows.jsonl") == ROWS


@pytest.mark.parametrize(
    ("name", "form"), [("rows.jsonl", "{}"), ("rows.json", "[{}]")], ids=["lines", "array"]
)
def test_a_row_of_more_bytes_than_any_real_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: str
) -> None:
    monkeypatch.setattr(records, "MAX_ROW_BYTES", 100)
    row = json.dumps({"instruction": "x" * 101, "output": "f()"})
    (tmp_path / name).write_text(form.format(row))
    with pytest.raises(InputError, match=r"1: the row has more than 100 bytes"):
        read_records(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "numbers"),
    [("\n{row}\n\n{row}\n", [2, 4]), ("[\n\n{row},{row}]", [1, 2])],
    ids=["lines", "array"],
)
def test_a_row_is_numbered_by_its_line_or_in_an_array_by_its_place(
    content: str, numbers: list[int], tmp_path: Path
) -> None:
    row = '{"instruction": "stop", "output": "stop()"}'
    (path := tmp_path / "rows").write_text(content.replace("{row}", row), encoding="utf-8")
    assert [number for number, _ in read_numbered_records(path)] == numbers
