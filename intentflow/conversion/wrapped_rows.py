"""Rows in a list of one JSON object: ``{"version": 1, "examples": [{"text", "intent"}]}``.

The object has the list under one of a few usual names, and no other list or object. Its rows are
read like those of an array.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from intentflow.conversion.export_format import Format, LabelledRow, Options, Row, unrecognised
from intentflow.conversion.json_values import Value
from intentflow.conversion.limits import SizeLimits

_NAMES = ("data", "examples", "rows", "records", "items", "samples", "utterances", "train")


def recognises(document: Any) -> bool:
    """Whether an object has rows under one name, and otherwise single values alone."""
    return isinstance(document, dict) and bool(_rows(document))


def wrapped_format(read: Callable[[Row, Options], LabelledRow]) -> Format:
    """The format of such objects.

    Args:
        read: Reads a row.
    """
    return Format("wrapped", unrecognised, read, layout="document", scan=_scan)


def _rows(document: Row) -> list[Any]:
    lists = [name for name, value in document.items() if isinstance(value, (list, dict))]
    if len(lists) != 1 or lists[0] not in _NAMES:
        return []
    rows = document[lists[0]]
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else []


def _scan(stream: BinaryIO, _path: Path, limits: SizeLimits) -> Iterator[Value]:
    """The rows; a row's line is its place in the list, from 1."""
    for place, row in enumerate(_rows(orjson.loads(stream.read())), 1):
        raw = json.dumps(row, ensure_ascii=False)
        limits.require_row(raw)
        yield Value(place, raw, row)
