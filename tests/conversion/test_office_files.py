"""Workbooks, Parquet and Arrow files, tables in UTF-16 and Excel's ``sep=`` line."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from openpyxl import Workbook
from pyarrow import parquet

from intentflow.cli.main import main
from intentflow.conversion import convert
from intentflow.conversion.limits import SizeLimits
from intentflow.errors import InputError
from tests.conversion.test_chatbots import records, rejected

ROW = ("play some jazz", "play_music(jazz)")
SMALL = SizeLimits(max_line_bytes=1000, max_cell_characters=100, max_decompressed_bytes=20_000)


def workbook(path: Path, *sheets: list[list[Any]]) -> Path:
    book = Workbook()
    assert book.active is not None
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_is_a_table(tmp_path: Path) -> None:
    book = workbook(tmp_path / "book.xlsx", [["text", "label"], list(ROW)])
    assert records(tmp_path, book) == [ROW]


def test_blank_rows_and_columns_are_left_out(tmp_path: Path) -> None:
    rows = [[], [None, "label", "text"], [], [None, ROW[1], ROW[0], None]]
    assert records(tmp_path, workbook(tmp_path / "book.xlsx", rows)) == [ROW]


def test_titles_over_the_header_are_no_rows(tmp_path: Path) -> None:
    titles = [[None, "Labels of May"], [], ["by the support team"]]
    book = workbook(tmp_path / "book.xlsx", [*titles, [None, "text", "label"], [None, *ROW]])
    assert records(tmp_path, book) == [ROW]


def test_a_sheet_with_one_column_has_its_header_first(tmp_path: Path) -> None:
    book = workbook(tmp_path / "book.xlsx", [["text"], ["play some jazz"], ["stop it"]])
    convert([str(book)], tmp_path / "tasks.json", to="label-studio")
    assert len(json.loads((tmp_path / "tasks.json").read_text())) == 2


def test_all_sheets_are_read(tmp_path: Path) -> None:
    sheets = [[["text", "label"], ["a", "a()"]], [["label", "text"], ["b()", "b"]]]
    book = workbook(tmp_path / "book.xlsx", *sheets)
    assert records(tmp_path, book) == [("a", "a()"), ("b", "b()")]


def test_numbers_are_texts(tmp_path: Path) -> None:
    book = workbook(tmp_path / "book.xlsx", [["text", "label"], [42.0, "answer(42)"]])
    assert records(tmp_path, book) == [("42", "answer(42)")]


def test_a_cell_without_a_heading_rejects_its_row(tmp_path: Path) -> None:
    rows = [["text", "label"], list(ROW), ["a", "a()", "more"]]
    records(tmp_path, workbook(tmp_path / "book.xlsx", rows))
    found = [(row["line"], row["reason"]) for row in rejected(tmp_path)]
    assert found == [(3, "cells")]


def test_a_workbook_in_a_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    workbook(tmp_path / "folder" / "book.xlsx", [["text", "label"], list(ROW)])
    assert records(tmp_path, tmp_path / "folder") == [ROW]


def bomb(path: Path, part: str, size: int) -> Path:
    """A workbook of which one part unpacks to very many equal bytes."""
    workbook(path, [["text", "label"], list(ROW)])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts.setdefault(part, b"")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content + b" " * size if name == part else content)
    return path


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"])
def test_a_workbook_that_unpacks_to_very_much_is_refused(tmp_path: Path, part: str) -> None:
    book = bomb(tmp_path / "book.xlsx", part, 60_000_000)
    with pytest.raises(InputError, match="the workbook unpacks to"):
        records(tmp_path, book)


def test_the_size_of_a_workbooks_content_is_limited(tmp_path: Path) -> None:
    book = bomb(tmp_path / "book.xlsx", "xl/sharedStrings.xml", 30_000)
    with pytest.raises(InputError, match="max-decompressed-bytes"):
        records(tmp_path, book, limits=SMALL)


def test_the_size_of_a_cell_is_limited(tmp_path: Path) -> None:
    book = workbook(tmp_path / "book.xlsx", [["text", "label"], ["x" * 101, "a()"]])
    with pytest.raises(InputError, match="a cell has more than the 100 characters"):
        records(tmp_path, book, limits=SMALL)


def test_entities_of_xml_are_not_expanded(tmp_path: Path) -> None:
    book = workbook(tmp_path / "book.xlsx", [["text", "label"], list(ROW)])
    with zipfile.ZipFile(book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    laughs = "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    header = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">{laughs}]>'.encode()
    sheet = parts["xl/worksheets/sheet1.xml"].replace(ROW[0].encode(), b"&i;")
    parts["xl/worksheets/sheet1.xml"] = header + sheet[sheet.index(b"<worksheet") :]
    with zipfile.ZipFile(book, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(InputError) as caught:
        records(tmp_path, book)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"PK\x03\x04oops", b"PK\x03"])
def test_a_damaged_archive_is_refused_in_one_line(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "book.xlsx").write_bytes(content)
    out = tmp_path / "out.jsonl"
    assert main(["convert", str(tmp_path / "book.xlsx"), "-o", str(out)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_another_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("a.json", "[]")
    with pytest.raises(InputError, match="is a zip archive; unpack it"):
        records(tmp_path, tmp_path / "export.zip")


FEATURES = {
    "text": {"dtype": "string", "_type": "Value"},
    "label": {"names": ["play_music()", "stop()"], "_type": "ClassLabel"},
}


def table(labels: list[Any], features: dict[str, Any] | None) -> pyarrow.Table:
    found = pyarrow.table({"text": ["play", "halt"], "label": labels})
    if features is None:
        return found
    about = json.dumps({"info": {"features": features}})
    return found.replace_schema_metadata({"huggingface": about})


def as_parquet(path: Path, content: pyarrow.Table) -> Path:
    parquet.write_table(content, path / "train-00000-of-00001.parquet")
    return path / "train-00000-of-00001.parquet"


def as_saved(path: Path, content: pyarrow.Table) -> Path:
    """A folder as ``save_to_disk`` writes it, of a data set with one split."""
    folder = path / "saved" / "train"
    folder.mkdir(parents=True)
    path_of_rows = folder / "data-00000-of-00001.arrow"
    with path_of_rows.open("wb") as file, pyarrow.ipc.new_stream(file, content.schema) as writer:
        writer.write_table(content)
    (folder / "state.json").write_text('{"_data_files": []}')
    (folder / "dataset_info.json").write_text("{}")
    (folder / "cache-1f.arrow").write_bytes(b"")
    (path / "saved" / "dataset_dict.json").write_text('{"splits": ["train"]}')
    return path / "saved"


def as_arrow(path: Path, content: pyarrow.Table) -> Path:
    rows = path / "rows.arrow"
    with rows.open("wb") as file, pyarrow.ipc.new_file(file, content.schema) as writer:
        writer.write_table(content)
    return rows


KINDS = pytest.mark.parametrize("write", [as_parquet, as_saved, as_arrow])


@KINDS
def test_class_numbers_become_their_names(tmp_path: Path, write: Any) -> None:
    source = write(tmp_path, table([0, 1], FEATURES))
    assert records(tmp_path, source) == [("play", "play_music()"), ("halt", "stop()")]
    assert not (tmp_path / "out.rejects.jsonl").exists()


@KINDS
def test_several_classes_are_several_intents(tmp_path: Path, write: Any) -> None:
    several = {**FEATURES, "label": {"feature": FEATURES["label"], "_type": "Sequence"}}
    source = write(tmp_path, table([[0, 1], [1]], several))
    assert records(tmp_path, source) == [("play", "play_music(); stop()"), ("halt", "stop()")]


@KINDS
def test_a_text_column_is_the_label(tmp_path: Path, write: Any) -> None:
    source = write(tmp_path, table(["a()", "b()"], None))
    assert records(tmp_path, source) == [("play", "a()"), ("halt", "b()")]


@KINDS
def test_numbers_without_names_are_no_labels(tmp_path: Path, write: Any) -> None:
    with pytest.raises(InputError, match="no row was kept: not_text 2"):
        records(tmp_path, write(tmp_path, table([0, 1], None)))


def test_a_column_of_messages_is_read(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "greet()"}]
    source = as_parquet(tmp_path, pyarrow.table({"messages": [turns]}))
    assert records(tmp_path, source) == [("hi", "greet()")]


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
@pytest.mark.parametrize("content", [b"PAR1oops", b"ARROW1oops", b"\xff\xff\xff\xff\x10\x00\x00"])
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="damaged") as caught:
        records(tmp_path, tmp_path / name)
    assert "\n" not in str(caught.value)


def test_the_size_of_a_parquet_files_content_is_limited(tmp_path: Path) -> None:
    many = pyarrow.table({"text": [f"{number} jazz" for number in range(3000)]})
    with pytest.raises(InputError, match="max-decompressed-bytes"):
        records(tmp_path, as_parquet(tmp_path, many), limits=SMALL)


def test_the_size_of_a_parquet_row_is_limited(tmp_path: Path) -> None:
    long = pyarrow.table({"text": ["x" * 2000], "label": ["a()"]})
    with pytest.raises(InputError, match="a line or a row has more than the 1,000 bytes"):
        records(tmp_path, as_parquet(tmp_path, long), limits=SMALL)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "text\tlabel\r\nplay some jazz\tplay_music(jazz)\r\n"),
        ("a.jsonl", '{"text": "play some jazz", "label": "play_music(jazz)"}\n'),
    ],
)
def test_utf16_is_read(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert records(tmp_path, tmp_path / name) == [ROW]


def test_utf16_in_another_script_is_read(tmp_path: Path) -> None:
    text = "text\tlabel\r\n播放爵士乐\t播放（爵士乐）\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode("utf-16"))
    assert records(tmp_path, tmp_path / "a.csv") == [("播放爵士乐", "播放(爵士乐)")]


def test_utf16_that_breaks_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text,label\n".encode("utf-16")[:-1])
    with pytest.raises(InputError, match="not UTF-16, though it begins so"):
        records(tmp_path, tmp_path / "a.csv")


def test_the_size_of_utf16_is_limited(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(("text,label\n" * 9000).encode("utf-16"))
    with pytest.raises(InputError, match="max-decompressed-bytes"):
        records(tmp_path, tmp_path / "a.csv", limits=SMALL)


@pytest.mark.parametrize("stated", ["sep=;", '"sep=;"', "SEP=;"])
def test_excels_separator_line_is_no_heading(tmp_path: Path, stated: str) -> None:
    content = f"{stated}\r\ntext;label\r\nplay some jazz;play_music(jazz)\r\nbad\r\n"
    (tmp_path / "a.csv").write_text(content, newline="")
    assert records(tmp_path, tmp_path / "a.csv") == [ROW]
    assert [row["line"] for row in rejected(tmp_path)] == [4]


def test_a_stated_separator_decides(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=|\ntext|label|a,b,c\nplay|play(a,b)|\n")
    assert records(tmp_path, tmp_path / "a.csv") == [("play", "play(a,b)")]


def test_lines_of_text_are_tasks(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("play some jazz\n\n  stop  \r\n", newline="")
    convert([str(tmp_path / "lines.txt")], tmp_path / "tasks.manifest", to="itag")
    lines = (tmp_path / "tasks.manifest").read_text().splitlines()
    texts = [json.loads(line)["data"]["instruction"] for line in lines]
    assert texts == ["play some jazz", "stop"]


def test_lines_of_text_are_no_records(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("play some jazz\n")
    with pytest.raises(InputError, match="no row was kept: no_label 1"):
        records(tmp_path, tmp_path / "lines.txt")
