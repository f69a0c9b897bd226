"""What the readers promise of any file: no crash, no row lost, no outcome by chance."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from intentflow.conversion.blocks import (
    Part,
    convert_block,
    convert_by_layout,
    convert_stream,
    count_votes,
)
from intentflow.conversion.export_format import Format, Options
from intentflow.conversion.formats import FORMATS, detect_layout, find_format
from intentflow.conversion.json_values import read_values
from intentflow.conversion.label_tasks import as_tasks
from intentflow.conversion.row_scanner import RowScanner
from intentflow.conversion.votes import BallotBox
from intentflow.errors import IntentflowError

NAMES = ("auto", *FORMATS)
_SEPARATORS = re.compile(r"[\s,\[\]\ufeff]")


def check_input(
    data: bytes, names: Sequence[str] = NAMES, file_name: str = "rows.manifest"
) -> None:
    """Read one file and hold the reader to its promises.

    The first byte chooses the format and what is asked, the rest is the file.

    Args:
        data: That byte and the file.
        names: Formats to choose from.
        file_name: Name of the file.

    Raises:
        AssertionError: It broke one.
    """
    chosen, content = (data[0], data[1:]) if data else (0, b"")
    form = find_format(names[chosen % len(names)])
    asked = chosen // len(names)
    if asked & 1:
        form = as_tasks(form, "itag" if asked & 2 else "label-studio")
    options = Options("source" if asked & 4 else None, "7" if asked & 8 else None, redact=asked > 8)
    with contextlib.suppress(IntentflowError):
        check(content, form, options, file_name)


def check(content: bytes, form: Format, options: Options, file_name: str) -> None:
    """Read a file's content in every way that should come to the same."""
    settled = detect_layout(form, io.BytesIO(content), Path(file_name), options.limits)
    parts = list(convert_stream(io.BytesIO(content), settled, options))
    for part in parts:
        for line in part.kept.splitlines():
            assert isinstance(orjson.loads(line), dict), line
        assert part.kept.count(b"\n") == part.rows
    _settle(parts, settled, options)
    if settled.layout == "lines":
        _check_lines(content, settled, options)
    if settled.layout == "values":
        _check_values(content)


def _settle(parts: list[Part], form: Format, options: Options) -> None:
    box = BallotBox()
    votes = [vote for part in parts for vote in part.votes]
    for vote in votes:
        box.add("source", vote)
    counted = sum(part.read for _, part in count_votes(box, form, options))
    assert counted == len(votes), f"{len(votes)} votes, {counted} counted"


def _check_lines(content: bytes, form: Format, options: Options) -> None:
    """Each line is accounted for, alone as in its block, scanned as parsed."""
    lines = content.splitlines(keepends=True) if b"\r" not in content else _by_newline(content)
    alone = [convert_block(line, form, options) for line in lines]
    for line, part in zip(lines, alone, strict=True):
        read = part.rows + len(part.rejects) + len(part.votes)
        visible = _SEPARATORS.sub("", line.decode("utf-8", "surrogateescape"))
        assert read or not visible, f"lost: {line!r}"
    complete = convert_block(content, form, options)
    assert complete.kept == b"".join(part.kept for part in alone)
    assert len(complete.rejects) == sum(len(part.rejects) for part in alone)
    assert complete == convert_block(content, replace(form, layouts=None), options)
    if form.layouts is not None and _is_utf8(content):
        scanner = RowScanner(lambda row: form.read(row, options), form.layouts)
        scanner.learn(lines)
        assert complete == convert_by_layout(content, scanner, form, options)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _by_newline(content: bytes) -> list[bytes]:
    return [line + b"\n" for line in content.removesuffix(b"\n").split(b"\n")]


def _check_values(content: bytes) -> None:
    """No character of a text is passed over but what stands between values."""
    text = content.decode("utf-8", "surrogateescape")
    found = "".join(value.raw for value in read_values(io.StringIO(text, newline="")))
    assert _SEPARATORS.sub("", found) == _SEPARATORS.sub("", text)
