"""Registry of formats: the labelling tools whose exports can be read, one module each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from intentflow.conversion import (
    arrow_files,
    chat,
    dialogflow,
    doccano,
    ground_truth,
    itag,
    label_studio,
    lex,
    luis,
    plain,
    prodigy,
    rasa,
    sharegpt,
    snips,
    text_lines,
    workbooks,
    wrapped_rows,
)
from intentflow.conversion.export_format import (
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    unrecognised,
)
from intentflow.conversion.limits import SizeLimits
from intentflow.conversion.tables import CSV
from intentflow.conversion.transcripts import TRANSCRIPT, begins_with_speaker
from intentflow.errors import InputError

# Order in which ``auto`` tries formats: those recognised by more keys come first.
_BY_ROW = (
    label_studio.LABEL_STUDIO,
    itag.ITAG,
    ground_truth.GROUND_TRUTH,
    chat.MESSAGES,
    sharegpt.SHAREGPT,
    prodigy.PRODIGY,
    plain.JSON,
    doccano.DOCCANO,
)
_PEEK_BYTES = 1 << 16
_TABLES = (".csv", ".tsv")
_ROWS = (".jsonl", ".ndjson", ".manifest")
_SURROGATES = "surrogateescape"


def find_format(name: str) -> Format:
    """The format of that name; ``auto`` recognises the format of every row.

    Raises:
        InputError: There is no such format.
    """
    if name == "auto":
        layouts = itag.LAYOUTS._replace(applies=_is_itag)
        return Format("auto", unrecognised, _read_any, layouts=layouts)
    if name not in FORMATS:
        raise InputError(f"unknown format {name}; choose one of: auto, {', '.join(FORMATS)}")
    return FORMATS[name]


def detect_layout(form: Format, stream: BinaryIO, path: Path, limits: SizeLimits) -> Format:
    """Detect the layout of a file; reads ahead without moving the stream.

    Args:
        form: The requested format.
        stream: The file, positioned after its byte order mark.
        path: Path of the file; ``.csv`` and ``.tsv`` mean a table.
        limits: The sizes allowed.

    Returns:
        The format with the layout of this file.
    """
    found = _detect(form, stream, path, limits)
    is_tsv = found.layout == "table" and path.name.removesuffix(".gz").lower().endswith(".tsv")
    return replace(found, layout="tsv") if is_tsv else found


def _detect(form: Format, stream: BinaryIO, path: Path, limits: SizeLimits) -> Format:
    if form.layout != "auto":
        return replace(form, path=path)
    start = stream.tell()
    head = stream.read(_PEEK_BYTES)
    stream.seek(start)
    name = path.name.removesuffix(".gz").lower()
    if form.name == "auto" and (found := _of_file(head, name)):
        return replace(_turned(form, found), path=path)
    if name.endswith(_TABLES):
        return _turned(form, CSV) if form.name == "auto" else _as_table(form)
    return _of_json(form, stream, path, limits)


def _of_file(head: bytes, name: str) -> Format | None:
    """The format that a file's first bytes and its name show; None if its rows have to."""
    if head.startswith(b"PK"):
        return EXCEL
    if arrow_files.recognises(head):
        return PARQUET
    if name.endswith((".yml", ".yaml")):
        return rasa.RASA
    if dialogflow.recognises_name(name):
        return dialogflow.DIALOGFLOW
    if head.lstrip().startswith(b"["):
        for keys, found in _BY_KEYS:
            if any(key in head for key in keys):
                return found
    first_line = head.lstrip().partition(b"\n")[0].decode("utf-8", _SURROGATES)
    if begins_with_speaker(first_line):
        return TRANSCRIPT
    is_text = name.endswith(".txt") and not first_line.startswith(("{", "["))
    return text_lines.TEXT if is_text else None


def _of_json(form: Format, stream: BinaryIO, path: Path, limits: SizeLimits) -> Format:
    """The format or the layout of a file of JSON: one document, values or a row per line."""
    start = stream.tell()
    first_line = stream.read(_PEEK_BYTES).lstrip().partition(b"\n")[0].rstrip()
    stream.seek(start)
    is_spread = first_line.startswith(b"[") or first_line == b"{"
    if first_line.startswith(b"{") and not path.name.removesuffix(".gz").endswith(_ROWS):
        document = _document(stream, limits)
        stream.seek(start)
        if form.name == "auto":
            for recognises, found in _BY_DOCUMENT:
                if document is not None and recognises(document):
                    return replace(_turned(form, found), path=path)
        is_spread = is_spread or document is not None
    return replace(form, layout="values" if is_spread else "lines")


def _document(stream: BinaryIO, limits: SizeLimits) -> Row | None:
    """The object that a file consists of; None if it has several or another content."""
    content = stream.read(limits.max_line_bytes + 1)
    if len(content) > limits.max_line_bytes:
        return None
    try:
        document = orjson.loads(content)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _turned(form: Format, other: Format) -> Format:
    return form.adapt(other) if form.adapt else other


def _as_table(form: Format) -> Format:
    return replace(form, layout="table", read=partial(_read_cells, form))


def _read_cells(form: Format, row: Row, options: Options) -> LabelledRow:
    return form.read(form.from_cells(row), options)


def _is_itag(row: Row) -> bool:
    return next((form for form in _BY_ROW if form.recognises(row)), None) is itag.ITAG


def row_format(row: Row) -> str:
    """Name of the format that recognises a row; that of plain rows if none does.

    Args:
        row: The row.

    Example:
        >>> row_format({"text": "play it", "intent": "play"})
        'json'
    """
    return next((form.name for form in _BY_ROW if form.recognises(row)), plain.JSON.name)


def _read_any(row: Row, options: Options) -> LabelledRow:
    for form in _BY_ROW:
        if form.recognises(row):
            return form.read(row, options)
    if plain.is_flat(row, options):
        return plain.read(row, options)
    raise RowRejected("unknown_shape")


def _read_columns(row: Row, options: Options) -> LabelledRow:
    """Read a row of typed columns: as a tool's row, or else by its columns like a table's."""
    try:
        return _read_any(row, options)
    except RowRejected as rejected:
        if rejected.reason != "unknown_shape":
            raise
    return CSV.read(row, options)


EXCEL = workbooks.workbook_format(CSV.read)
PARQUET = arrow_files.arrow_format(_read_columns)
_BY_DOCUMENT: tuple[tuple[Callable[[Any], bool], Format], ...] = (
    (luis.recognises, luis.LUIS),
    (rasa.recognises, rasa.RASA),
    (lex.recognises, lex.LEX),
    (dialogflow.recognises, dialogflow.DIALOGFLOW),
    (snips.recognises, snips.SNIPS),
    (wrapped_rows.recognises, wrapped_rows.wrapped_format(_read_any)),
)
# Arrays of phrases, by keys that only these have.
_BY_KEYS = ((dialogflow.KEYS, dialogflow.DIALOGFLOW), (luis.KEYS, luis.LUIS))
FORMATS = {
    form.name: form
    for form in (
        *_BY_ROW,
        plain.JSONL,
        CSV,
        TRANSCRIPT,
        *(form for _, form in _BY_DOCUMENT[:-1]),
        EXCEL,
        PARQUET,
        text_lines.TEXT,
    )
}
"""All formats by name."""
