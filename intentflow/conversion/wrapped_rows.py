"""Rows in a list of one JSON object: ``{"version": 1, "examples": [{"text", "intent"}]}``.

The object has the list under one of a few usual names, and no other list or object. Its rows are
read like those of an array. So are those of Hugging Face's dataset viewer, which wraps each:
``{"features": […], "rows": [{"row_idx": 0, "row": {"text", "label"}, "truncated_cells": []}]}``.
Its class labels are numbers whose names are in ``features``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from intentflow.conversion.arrow_files import class_label_names, with_class_names
from intentflow.conversion.export_format import Format, LabelledRow, Options, Row, unrecognised
from intentflow.conversion.json_values import Value
from intentflow.conversion.limits import SizeLimits

_NAMES = ("data", "examples", "rows", "records", "items", "samples", "utterances", "train")


def recognises(document: Any) -> bool:
    """Whether an object has rows under one name, and otherwise single values alone."""
    return isinstance(document, dict) and bool(_viewer_rows(document) or _rows(document))


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


def _viewer_rows(document: Row) -> list[Any]:
    """The rows as the dataset viewer wraps each; none of another document."""
    rows = document.get("rows")
    if not isinstance(rows, list):
        return []
    is_wrapped = all(
        isinstance(row, dict) and "row_idx" in row and isinstance(row.get("row"), dict)
        for row in rows
    )
    return rows if is_wrapped else []


def _scan(stream: BinaryIO, _path: Path, limits: SizeLimits) -> Iterator[Value]:
    """The rows; a row's line is its place in the list, from 1."""
    document = orjson.loads(stream.read())
    wrapped, names = _viewer_rows(document), _class_names(document)
    for place, row in enumerate(wrapped or _rows(document), 1):
        raw = json.dumps(row, ensure_ascii=False)
        limits.require_row(raw)
        if not wrapped:
            yield Value(place, raw, row)
        else:
            problem = "truncated" if row.get("truncated_cells") else ""
            yield Value(place, raw, with_class_names(row["row"], names), problem)


def _class_names(document: Row) -> dict[str, list[str]]:
    """The names of the class labels by column, as the dataset viewer describes them."""
    features = document.get("features")
    found = {
        feature.get("name"): class_label_names(feature.get("type"))
        for feature in (features if isinstance(features, list) else ())
        if isinstance(feature, dict)
    }
    return {name: names for name, names in found.items() if isinstance(name, str) and names}
