"""Registry of formats: the labelling tools whose exports can be read, one module each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import BinaryIO

from intentflow.conversion import chat, doccano, ground_truth, itag, label_studio, plain
from intentflow.conversion.export_format import (
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    unrecognised,
)
from intentflow.conversion.tables import CSV
from intentflow.conversion.transcripts import TRANSCRIPT, begins_with_speaker
from intentflow.errors import InputError

# Order in which ``auto`` tries formats: those recognised by more keys come first.
_BY_ROW = (
    label_studio.LABEL_STUDIO,
    itag.ITAG,
    ground_truth.GROUND_TRUTH,
    chat.MESSAGES,
    plain.JSON,
    doccano.DOCCANO,
)
FORMATS = {form.name: form for form in (*_BY_ROW, plain.JSONL, CSV, TRANSCRIPT)}
_PEEK_BYTES = 1 << 16
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


def detect_layout(form: Format, stream: BinaryIO, name: str) -> Format:
    """Detect the layout of a file; reads ahead without moving the stream.

    Args:
        form: The requested format.
        stream: The file, positioned after its byte order mark.
        name: Name of the file; ``.csv`` and ``.tsv`` mean a table.

    Returns:
        The format with the layout of this file.
    """
    if form.layout != "auto":
        return form
    if name.removesuffix(".gz").endswith((".csv", ".tsv")):
        return _turned(form, CSV) if form.name == "auto" else _as_table(form)
    start = stream.tell()
    head = stream.read(_PEEK_BYTES).lstrip()
    stream.seek(start)
    first_line = head.partition(b"\n")[0].rstrip()
    if form.name == "auto" and begins_with_speaker(first_line.decode("utf-8", _SURROGATES)):
        return _turned(form, TRANSCRIPT)
    spread = first_line.startswith(b"[") or first_line == b"{"
    return replace(form, layout="values" if spread else "lines")


def _turned(form: Format, other: Format) -> Format:
    return form.adapt(other) if form.adapt else other


def _as_table(form: Format) -> Format:
    return replace(form, layout="table", read=partial(_read_cells, form))


def _read_cells(form: Format, row: Row, options: Options) -> LabelledRow:
    return form.read(form.from_cells(row), options)


def _is_itag(row: Row) -> bool:
    return next((form for form in _BY_ROW if form.recognises(row)), None) is itag.ITAG


def _read_any(row: Row, options: Options) -> LabelledRow:
    for form in _BY_ROW:
        if form.recognises(row):
            return form.read(row, options)
    if plain.is_flat(row, options):
        return plain.read(row, options)
    raise RowRejected("unknown_shape")
