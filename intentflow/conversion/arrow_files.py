"""Parquet files and the Arrow files of Hugging Face data sets (``save_to_disk``).

A row is read like an object of a JSON file. Class labels are numbers whose names are in the file's
own metadata; without names a number is no label. Files are read in small batches.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from intentflow.conversion.export_format import Format, LabelledRow, Options, Row, unrecognised
from intentflow.conversion.json_values import Value
from intentflow.conversion.limits import SizeLimits
from intentflow.errors import InputError

if TYPE_CHECKING:
    import pyarrow

PARQUET_MAGIC = b"PAR1"
ARROW_MAGICS = (b"ARROW1", b"\xff\xff\xff\xff")
_BATCH_ROWS = 500
_METADATA = b"huggingface"


def arrow_format(read: Callable[[Row, Options], LabelledRow]) -> Format:
    """The format of Parquet and Arrow files.

    Args:
        read: Reads a row by its columns.
    """
    return Format("parquet", unrecognised, read, layout="document", scan=scan)


def recognises(head: bytes) -> bool:
    """Whether a file begins like a Parquet or an Arrow file."""
    return head.startswith((PARQUET_MAGIC, *ARROW_MAGICS))


def scan(stream: BinaryIO, path: Path, limits: SizeLimits) -> Iterator[Value]:
    """The rows as objects keyed by column; the line is the row's number in the file.

    Raises:
        LimitExceeded: The file or a row is larger than allowed.
        InputError: The file is damaged, or the ``data`` extra is not installed.
    """
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise InputError(
            f"{path}: Parquet and Arrow files need pip install 'intentflow[data]'"
        ) from None
    number = 0
    try:
        for batch in _batches(stream, limits):
            names = _class_names(batch.schema)
            for row in batch.to_pylist():
                number += 1
                yield _value(number, with_class_names(row, names), limits)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: damaged, or no Parquet or Arrow file ({reason})") from None


def _batches(stream: BinaryIO, limits: SizeLimits) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow
    from pyarrow import parquet

    head = stream.read(len(ARROW_MAGICS[0]))
    stream.seek(0)
    if head.startswith(PARQUET_MAGIC):
        file = parquet.ParquetFile(stream)
        groups = range(file.metadata.num_row_groups)
        size = sum(file.metadata.row_group(group).total_byte_size for group in groups)
        if size > limits.max_decompressed_bytes:
            raise limits.decompressed_exceeded()
        yield from file.iter_batches(batch_size=_BATCH_ROWS)
    elif head.startswith(ARROW_MAGICS[0]):
        reader = pyarrow.ipc.open_file(stream)
        for index in range(reader.num_record_batches):
            yield from _slices(reader.get_batch(index))
    else:
        for batch in pyarrow.ipc.open_stream(stream):
            yield from _slices(batch)


def _slices(batch: pyarrow.RecordBatch) -> Iterator[pyarrow.RecordBatch]:
    for start in range(0, batch.num_rows, _BATCH_ROWS):
        yield batch.slice(start, _BATCH_ROWS)


def _value(number: int, row: Row, limits: SizeLimits) -> Value:
    raw = json.dumps(row, ensure_ascii=False, default=str)
    limits.require_row(raw)
    return Value(number, raw, row)


def _class_names(schema: pyarrow.Schema) -> dict[str, list[str]]:
    """The names of the class labels by column."""
    try:
        described = json.loads((schema.metadata or {}).get(_METADATA, b"{}"))
    except ValueError:
        return {}
    features = described.get("info", {}).get("features", {})
    found: dict[str, list[str]] = {}
    for column, feature in features.items() if isinstance(features, dict) else ():
        inner = class_label_names(feature)
        if inner is not None:
            found[column] = inner
    return found


def class_label_names(feature: Any) -> list[str] | None:
    """The names of a class label, or of those in a sequence; None for another feature.

    Args:
        feature: Type of a column, as Hugging Face's data sets describe it.

    Example:
        >>> class_label_names({"_type": "ClassLabel", "names": ["refund", "stop"]})
        ['refund', 'stop']
    """
    if isinstance(feature, list) and len(feature) == 1:
        return class_label_names(feature[0])
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list):
        return [str(name) for name in feature["names"]]
    return class_label_names(feature.get("feature"))


def with_class_names(row: Row, names: dict[str, list[str]]) -> Row:
    """The row with class names instead of numbers, without empty columns.

    Args:
        row: The row.
        names: Names of the classes by column, in the order of their numbers.

    Example:
        >>> with_class_names({"text": "stop it", "label": 1}, {"label": ["refund", "stop"]})
        {'text': 'stop it', 'label': 'stop'}
    """
    return {
        column: _label(value, names[column]) if column in names else value
        for column, value in row.items()
        if value is not None
    }


def _label(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_label(item, names) for item in value]
    is_known = isinstance(value, int) and 0 <= value < len(names)
    return names[value] if is_known else None
