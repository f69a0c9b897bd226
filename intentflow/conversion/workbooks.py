"""Excel: the sheets of an ``.xlsx`` workbook, each a table whose header may stand below titles.

A workbook is a zip archive whose parts may unpack to any size, so the sizes that it states are
checked before it is read, and the rows are read one by one.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from intentflow.conversion.export_format import Format, LabelledRow, Options, Row, unrecognised
from intentflow.conversion.json_values import Value
from intentflow.conversion.limits import SizeLimits
from intentflow.errors import InputError

if TYPE_CHECKING:
    from openpyxl import Workbook

_FOLDER = "xl/"
_SHEETS = "xl/worksheets/"
_MAX_COLUMNS = 1000
_MAX_TITLES = 3  # rows of one cell over the header
_MAX_OTHER_BYTES = 256_000_000  # of all parts that are loaded completely, such as the texts
_MAX_RATIO = 200  # a workbook of texts packs to about a tenth
_SMALL_BYTES = 10_000_000


def is_workbook(path: Path) -> bool:
    """Whether a zip archive is an Excel workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith(_FOLDER) for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def workbook_format(read: Callable[[Row, Options], LabelledRow]) -> Format:
    """The format of workbooks.

    Args:
        read: Reads a row of a table.
    """
    return Format("excel", unrecognised, read, layout="document", scan=scan)


def scan(stream: BinaryIO, path: Path, limits: SizeLimits) -> Iterator[Value]:
    """The rows of all sheets, as objects keyed by column; the line is the row in its sheet.

    Raises:
        LimitExceeded: A part or a cell is larger than allowed.
        InputError: The file is damaged, or the ``data`` extra is not installed.
    """
    _require_sizes(stream, path, limits)
    workbook = _open(stream, path)
    try:
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()
            yield from _table(sheet.iter_rows(values_only=True), limits)
    except InputError:
        raise
    except Exception as error:  # the library lets errors of zip, XML and its own models through
        raise _damaged(path, error) from None
    finally:
        workbook.close()


def _require_sizes(stream: BinaryIO, path: Path, limits: SizeLimits) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise _damaged(path, error) from None
    total = sum(part.file_size for part in parts)
    others = sum(part.file_size for part in parts if not part.filename.startswith(_SHEETS))
    if total > limits.max_decompressed_bytes:
        raise limits.decompressed_exceeded()
    is_bomb = total > _SMALL_BYTES and total > _MAX_RATIO * sum(it.compress_size for it in parts)
    if is_bomb or others > _MAX_OTHER_BYTES:
        raise InputError(
            f"{path}: the workbook unpacks to {total:,} bytes, which no table of texts does; "
            "save its rows as CSV"
        )


def _open(stream: BinaryIO, path: Path) -> Workbook:
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise InputError(
            f"{path}: workbooks need pip install 'intentflow[data]', or save the sheet as CSV"
        ) from None
    try:
        return openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # as above
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> InputError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(f"{path}: a damaged workbook ({reason}); save it again")


def _table(rows: Iterator[Sequence[Any]], limits: SizeLimits) -> Iterator[Value]:
    lines = _filled_lines(rows, limits)
    head = list(islice(lines, _MAX_TITLES + 2))
    titles = _count_titles([_width(texts) for _, texts in head])
    if not head[titles:]:
        return
    header = [text.strip() for text in head[titles][1]]
    for number, texts in chain(head[titles + 1 :], lines):
        texts += [""] * (len(header) - len(texts))
        named = {name: text for name, text in zip(header, texts, strict=False) if name}
        is_cut = any(texts[len(header) :])
        raw = json.dumps(texts if is_cut else named, ensure_ascii=False)
        limits.require_row(raw)
        yield Value(number, raw, named, "cells" if is_cut else "")


def _filled_lines(
    rows: Iterator[Sequence[Any]], limits: SizeLimits
) -> Iterator[tuple[int, list[str]]]:
    """The rows that have a filled cell, with their numbers from 1."""
    for number, cells in enumerate(rows, 1):
        texts = [_cell_text(cell, limits) for cell in cells[:_MAX_COLUMNS]]
        if any(texts):
            yield number, texts


def _width(texts: list[str]) -> int:
    """The number of filled cells."""
    return sum(map(bool, texts))


def _count_titles(widths: list[int]) -> int:
    """How many rows stand over the header: lines of one cell, before rows of several."""
    titles = next((place for place, width in enumerate(widths) if width > 1), 0)
    return titles if titles <= _MAX_TITLES and all(it > 1 for it in widths[titles:]) else 0


def _cell_text(cell: Any, limits: SizeLimits) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = str(cell)
    if len(text) > limits.max_cell_characters:
        raise limits.cell_exceeded()
    return text
