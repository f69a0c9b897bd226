"""Files as they come: arrays and lines, complete and broken."""

import codecs
import errno
import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intentflow.cli.main import main
from intentflow.conversion import REASONS
from intentflow.conversion.json_values import read_values, scan_values
from intentflow.errors import IntentflowError
from intentflow.records import content_digest, read_records
from tests.conversion.rows import convert, convert_content, converted, itag_row, reasons, stage

A = '{"instruction": "a", "output": "f()"}'
B = '{"instruction": "b", "output": "g(1)"}'
FUZZ = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
BOTH = [json.loads(A), json.loads(B)]


@pytest.mark.parametrize(
    "content",
    [
        f"{A}\n{B}\n",
        f"{A}\n{B}",
        f"{A}\r\n{B}\r\n",
        f"\n{A}\n \n\n{B}\n\n",
        f"{A} {B}",
        f"{A}{B}\n",
        f"{A},\n{B},\n",
        f"[{A}, {B}]",
        f"[ {A}, {B}, ]",
        f"[\n{A},\n{B},\n]\n",
        f"[{A}\n{B}",
        json.dumps(BOTH, indent=4),
        "\n".join(json.dumps(row, indent=2) for row in BOTH),
        codecs.BOM_UTF8 + f"{A}\n{B}".encode(),
        codecs.BOM_UTF8 + f"[{A},{B}]".encode(),
        codecs.BOM_UTF8 + f"{A}\n".encode() + codecs.BOM_UTF8 + B.encode(),
        gzip.compress(f"{A}\n{B}".encode(), mtime=0),
        gzip.compress(codecs.BOM_UTF8 + f"[{A},{B}]".encode(), mtime=0),
    ],
)
def test_rows_are_found_in_every_layout(tmp_path: Path, content: str | bytes) -> None:
    assert converted(tmp_path, content) == BOTH
    assert not (tmp_path / "out.rejects.jsonl").exists()


def test_itag_rows_are_read_from_an_array_too(tmp_path: Path) -> None:
    content = json.dumps([itag_row("x", label=stage("a()"))], indent=2)
    assert converted(tmp_path, content) == [{"instruction": "x", "output": "a()"}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"instruction": "a", "output": f()}', "not_json"),
        ("nonsense", "not_json"),
        ('{"instruction": "a", "outp', "truncated"),
        ('{"instruction": "a",', "truncated"),
        ("3", "not_an_object"),
        ("[1, 2]", "not_an_object"),
        ('{"text": "a"}', "unknown_shape"),
        ('{"instruction": "a", "output": null}', "no_label"),
        ('{"instruction": "a", "output": " "}', "blank_answer"),
        ('{"instruction": "a", "output": 5}', "not_text"),
        ('{"instruction": "", "output": "f()"}', "blank_text"),
        ('{"instruction": null, "output": "f()"}', "no_text"),
        (b'{"instruction": "\xff", "output": "f()"}', "not_utf8"),
        (b'{"instruction": "a\xff, "output": "f()"}', "not_utf8"),
        ('{"instruction": "\\ud800", "output": "f()"}', "not_utf8"),
        ('{"instruction": "a", "instruction": "b", "output": "f()"}', "duplicate_key"),
        ('{"instruction": "a", "output" : "f()", "output" : "g()"}', "duplicate_key"),
        (A + '{"instruction": "a", "output": "f()", "output": "g()"}', "duplicate_key"),
        ("[" * 100_000, "too_deep"),
        ('[{"instruction": ' + "9" * 5000 + "}]", "not_json"),
        ('{"a":' * 100_000, "too_deep"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    assert reasons(tmp_path, content) == [reason]
    assert reason in REASONS


@pytest.mark.parametrize(
    "row",
    [
        '{"instruction": "a", "output": "f()", "output": "f()"}',
        '{"instruction" : "a", "output" : "f()"}',
        '{"instruction": "a", "output": "f()", "note": "\\":"}',
        '{"instruction": "a", "output": "f()", "x": {"output": 1}}',
    ],
)
def test_a_key_that_has_one_value_is_no_conflict(tmp_path: Path, row: str) -> None:
    assert converted(tmp_path, row) == BOTH[:1]


@given(st.text('{}[]",:\n\\ 1truea'), st.integers(1, 40))
def test_values_are_the_same_whatever_part_of_the_text_is_held(text: str, window: int) -> None:
    assert list(read_values(io.StringIO(text), window)) == list(scan_values(text))


@pytest.mark.parametrize("window", [1, 7, 64])
def test_a_large_array_is_read_in_parts(window: int) -> None:
    text = json.dumps(
        [{"instruction": "a\n{", "n": n, "x": [{"y": 1.5}]} for n in range(50)], indent=2
    )
    assert list(read_values(io.StringIO(text), window)) == list(scan_values(text))


def test_a_reject_tells_where_it_stood_and_what_it_was(tmp_path: Path) -> None:
    convert_content(tmp_path, f"{A}\n\noops\n{B}\n")
    lines = (tmp_path / "out.rejects.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "source": str(tmp_path / "source.manifest"),
            "line": 3,
            "reason": "not_json",
            "raw": "oops",
        }
    ]


def test_a_reject_inside_an_array_tells_its_line(tmp_path: Path) -> None:
    convert_content(tmp_path, f'[\n{A},\n{{"instruction": x}},\n{B}\n]')
    reject = json.loads((tmp_path / "out.rejects.jsonl").read_text(encoding="utf-8"))
    assert (reject["line"], reject["raw"]) == (3, '{"instruction": x},')


def test_an_array_that_breaks_off_keeps_the_rows_before(tmp_path: Path) -> None:
    summary = convert_content(tmp_path, f'[\n{A},\n{B},\n{{"instruction": "c", "out')
    assert (summary.kept, summary.reasons) == (2, {"truncated": 1})


def test_rejects_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    convert_content(tmp_path, f"{A}\noops")
    assert (tmp_path / "out.rejects.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_rejects_file_that_was_asked_for_is_written_though_empty(tmp_path: Path) -> None:
    convert_content(tmp_path, A, rejects=tmp_path / "r.jsonl")
    assert (tmp_path / "r.jsonl").read_bytes() == b""


def test_rejects_of_a_former_run_do_not_stay(tmp_path: Path) -> None:
    convert_content(tmp_path, f"{A}\noops")
    convert_content(tmp_path, A)
    assert not (tmp_path / "out.rejects.jsonl").exists()


def test_the_summary_counts_every_row(tmp_path: Path) -> None:
    summary = convert_content(tmp_path, f"{A}\noops\n\n{B}\noops\n")
    assert (summary.rows, summary.kept, summary.rejected) == (4, 2, 2)


@pytest.mark.parametrize("name", ["out.json", "out.jsonl"])
def test_the_digest_is_that_of_the_records(tmp_path: Path, name: str) -> None:
    source = tmp_path / "s.jsonl"
    source.write_text('{"instruction": "\\u007f\\u0001 杭州\\"\\\\", "output": "f()"}\n' + B)
    summary = convert([str(source)], tmp_path / name)
    assert summary.digest == content_digest(read_records(tmp_path / name))


def test_a_ten_megabyte_line_is_a_row_like_any_other(tmp_path: Path) -> None:
    text = "x" * 10_000_000
    rows = converted(tmp_path, [{"instruction": text, "output": "f()"}, BOTH[0]])
    assert [len(row["instruction"]) for row in rows] == [10_000_000, 1]


def test_a_folder_gives_its_data_files_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "2.manifest.gz").write_bytes(gzip.compress(B.encode()))
    (folder / "a.jsonl").write_text(A)
    (folder / "notes.txt").write_text("no data")
    (folder / ".hidden.json").write_text("no data")
    (folder / "old.rejects.jsonl").write_text("no data")
    convert([str(folder)], tmp_path / "out.jsonl")
    assert [row.as_dict() for row in read_records(tmp_path / "out.jsonl")] == BOTH


def test_the_output_of_a_former_run_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(A)
    for _ in range(2):
        assert convert([str(tmp_path)], tmp_path / "out.jsonl").rows == 1


def test_a_file_in_a_folder_that_is_passed_over_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(A)
    (tmp_path / "notes.txt").write_text("")
    convert([str(tmp_path)], tmp_path / "out.jsonl")
    assert "notes.txt: skipped" in capsys.readouterr().err


def test_a_file_that_is_named_twice_is_read_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in" / "a.jsonl"
    source.parent.mkdir()
    source.write_text(A)
    assert convert([str(source.parent), str(source)], tmp_path / "out.jsonl").rows == 1
    assert "read once, it is the same file as" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["out.jsonl", "out.rejects.jsonl", "agreement.json"])
def test_a_source_that_would_be_replaced_is_refused(tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    source.write_text(A)
    with pytest.raises(IntentflowError, match=f"{name} is read, and the .* would replace it"):
        convert([str(source)], tmp_path / "out.jsonl", agreement=tmp_path / "agreement.json")
    assert source.read_text() == A


def test_the_agreement_of_a_former_run_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(A)
    agreement = tmp_path / "agreement.json"
    for _ in range(2):
        assert convert([str(tmp_path)], tmp_path / "out.jsonl", agreement=agreement).rows == 1


@pytest.mark.parametrize(
    ("content", "options"),
    [(f"{A}\n".encode(), []), (b"text,label\na,f()\n", ["--format", "csv"])],
)
def test_a_pipe_is_read(tmp_path: Path, content: bytes, options: list[str]) -> None:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    out = tmp_path / "out.jsonl"
    try:
        assert main(["convert", f"/dev/fd/{reading}", "-o", str(out), *options]) == 0
    finally:
        os.close(reading)
    assert [row.as_dict() for row in read_records(out)] == BOTH[:1]


def test_an_object_in_a_bucket_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(uri: str, directory: Path, *, allow_prefix: bool) -> Path:
        path = directory / uri.rpartition("/")[2]
        path.write_text(f"{A}\noops")
        return path

    monkeypatch.setattr("intentflow.storage.fetch", fetch)
    convert(["s3://bucket/labels.jsonl"], tmp_path / "out.jsonl")
    reject = json.loads((tmp_path / "out.rejects.jsonl").read_text(encoding="utf-8"))
    assert reject["source"] == "s3://bucket/labels.jsonl"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "no row was kept: the files contain no rows"),
        (b"oops\nagain\n", "no row was kept: not_json 2"),
        (gzip.compress(A.encode() * 1000, mtime=0)[:-40], "damaged gzip"),
        (b"\x1f\x8bnot gzip at all", "damaged gzip"),
    ],
)
def test_a_file_that_gives_no_row_is_an_error_and_writes_no_output(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(IntentflowError, match=message):
        convert_content(tmp_path, content)
    assert not (tmp_path / "out.jsonl").exists()


def test_rejects_are_written_though_no_row_was_kept(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError):
        convert_content(tmp_path, "oops")
    assert (tmp_path / "out.rejects.jsonl").exists()


def test_a_failure_leaves_the_former_output(tmp_path: Path) -> None:
    convert_content(tmp_path, A)
    with pytest.raises(IntentflowError):
        convert_content(tmp_path, gzip.compress(f"{B}\n".encode() * 1000)[:-40])
    assert [row.as_dict() for row in read_records(tmp_path / "out.jsonl")] == BOTH[:1]


def test_a_full_disk_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_writer: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("intentflow.conversion.writers.RecordsWriter.finish", full)
    with pytest.raises(IntentflowError, match="disk full while writing"):
        convert_content(tmp_path, f"{A}\noops\n")
    assert [path.name for path in tmp_path.iterdir()] == ["source.manifest"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows", b"text,label\nplay it,play\n", "a table needs --format csv, or a name that ends"),
        ("rows.txt", b"text,label\nplay it,play\n", "a table needs --format csv"),
        ("rows.xlsx", b"text,label\nplay it,play\n", "a table needs --format csv"),
        ("rows.csv", b"text,label\nplay it,0\nplay on,1\n", "write the names of the classes"),
        ("rows.yaml", b"- text: play\n", "YAML is read as training data of Rasa"),
        (
            "rows.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1",
            "rows.xls is a workbook of Excel 97 to",
        ),
        ("rows.csv", b"%PDF-1.7\n", "rows.csv is a PDF"),
        ("rows.csv.xz", b"\xfd7zXZ\x00", "rows.csv.xz is compressed with xz: unpack it"),
        ("rows.xlsx", b"PK\x03\x04aaaa", "rows.xlsx: a damaged workbook; save it again"),
    ],
)
def test_a_file_that_is_no_export_is_named_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(IntentflowError, match=message):
        convert([str(tmp_path / name)], tmp_path / "out.jsonl")


@pytest.mark.parametrize(
    ("out", "options", "message"),
    [
        ("out.csv", {}, "must end in .json or .jsonl"),
        ("out.json", {"max_reject_rate": 1.5}, "must be between 0 and 1"),
        ("out.json", {"max_reject_rate": float("nan")}, "must be between 0 and 1"),
        (
            "out.json",
            {"format": "xml"},
            "unknown format xml; choose one of: auto, label-studio, itag",
        ),
    ],
)
def test_bad_usage_is_explained(
    tmp_path: Path, out: str, options: dict[str, Any], message: str
) -> None:
    (tmp_path / "a.jsonl").write_text(A)
    with pytest.raises(IntentflowError, match=message):
        convert([str(tmp_path / "a.jsonl")], tmp_path / out, **options)


def test_an_empty_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="contains no data file"):
        convert([str(tmp_path)], tmp_path / "out.json")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1) | st.text('{}[]",:\n instructiooutput', min_size=1).map(str.encode))
def test_any_bytes_are_kept_rejected_or_refused_in_words(tmp_path: Path, content: bytes) -> None:
    try:
        summary = convert_content(tmp_path, content)
    except IntentflowError:
        return
    assert summary.kept + summary.rejected == summary.rows


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_to_an_itag_row_loses_nothing_silently(tmp_path: Path, data: Any) -> None:
    row = json.dumps(itag_row("杭州", label=stage("w(杭州)"), system=stage("w(杭州)"))).encode()
    start = data.draw(st.integers(0, len(row)))
    end = data.draw(st.integers(start, len(row)))
    damaged = row[:start] + data.draw(st.binary(max_size=4)) + row[end:]
    summary = convert_content(tmp_path, A.encode() + b"\n" + damaged)
    assert summary.rows >= 1 + bool(damaged.strip())


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "an empty text"),
        (" ", "an empty text"),
        ("/", "the root of the file system"),
        ("//", "the root of the file system"),
        ("/tmp/..", "the root of the file system"),
        (".", "the working directory"),
        ("./", "the working directory"),
    ],
)
def test_what_is_hardly_meant_is_no_source(source: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=words):
        convert([source], tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_one_path_is_one_source(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\nplay it,play()\n")
    assert convert(str(tmp_path / "rows.csv"), tmp_path / "out.jsonl").kept == 1
