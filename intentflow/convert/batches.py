"""Converting rows, a batch at a time: the part that is done once for every row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

import orjson

from intentflow.convert.fullwidth import normalise_syntax
from intentflow.convert.shape import Format, Layout, Options, RowRejected
from intentflow.convert.values import Value, scan_values

_BATCH_BYTES = 4 << 20
_PEEK_BYTES = 1 << 16
_SURROGATES = "surrogateescape"


class Reject(NamedTuple):
    """A row that is not kept: its line from 1, the reason's code and its text."""

    line: int
    reason: str
    raw: str


@dataclass(slots=True)
class Batch:
    """What became of some rows.

    Attributes:
        kept: One JSON object a row, as bytes without a line end.
        rejects: The rows not kept.
        normalised: How many of the kept had full-width call syntax.
    """

    kept: list[bytes] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    normalised: int = 0


def convert_stream(stream: BinaryIO, form: Format, options: Options) -> Iterator[Batch]:
    """Convert a file's rows.

    Memory stays flat where the rows stand one a line; an array is read as a whole.
    """
    layout = form.layout if form.layout != "auto" else _find_layout(stream)
    if layout == "values":
        yield _convert_values(stream.read(), 1, form, options)
        return
    line = 1
    while lines := stream.readlines(_BATCH_BYTES):
        yield _convert_lines(lines, line, form, options)
        line += len(lines)


def _find_layout(stream: BinaryIO) -> Layout:
    """``values`` where the file begins with an array or with an object spread over lines."""
    start = stream.tell()
    head = stream.read(_PEEK_BYTES).lstrip()
    stream.seek(start)
    first_line = head.partition(b"\n")[0].rstrip()
    return "values" if first_line.startswith(b"[") or first_line == b"{" else "lines"


def _convert_lines(lines: list[bytes], first_line: int, form: Format, options: Options) -> Batch:
    batch = Batch()
    loads = orjson.loads
    for number, line in enumerate(lines, first_line):
        try:
            document = loads(line)
        except ValueError:
            _add_odd_line(batch, line, number, form, options)
        else:
            _add(batch, document, number, line, form, options)
    return batch


def _add_odd_line(batch: Batch, line: bytes, number: int, form: Format, options: Options) -> None:
    """A line that is not one JSON value: blank, several values, or broken."""
    if not line.strip():
        return
    part = _convert_values(line, number, form, options)
    batch.kept += part.kept
    batch.rejects += part.rejects
    batch.normalised += part.normalised


def _convert_values(data: bytes, first_line: int, form: Format, options: Options) -> Batch:
    batch = Batch()
    for value in scan_values(data.decode("utf-8", _SURROGATES), first_line):
        raw = value.raw.encode("utf-8", _SURROGATES)
        if value.problem:
            batch.rejects.append(Reject(value.line, _problem_of(value, raw), _readable(raw)))
        else:
            _add(batch, value.document, value.line, raw, form, options)
    return batch


def _add(
    batch: Batch, document: Any, line: int, raw: bytes, form: Format, options: Options
) -> None:
    try:
        if not isinstance(document, dict):
            raise RowRejected("not_an_object")
        instruction, labelled = form.read(document, options)
        output = labelled if labelled.isascii() else normalise_syntax(labelled, instruction)
        batch.kept.append(_encode(instruction, output))
        batch.normalised += output is not labelled
    except RowRejected as rejected:
        batch.rejects.append(Reject(line, rejected.reason, _readable(raw)))


def _encode(instruction: str, output: str) -> bytes:
    """The row as :func:`intentflow.records.write_records` writes it."""
    try:
        return b'{"instruction": %b, "output": %b}' % (
            orjson.dumps(instruction),
            orjson.dumps(output),
        )
    except TypeError:  # a lone surrogate: a stray byte, or an escape of half a character
        raise RowRejected("not_utf8") from None


def _problem_of(value: Value, raw: bytes) -> str:
    return value.problem if _is_utf8(raw) else "not_utf8"


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _readable(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
