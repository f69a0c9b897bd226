"""Survey of an export for the tools that its chats declare, called or not."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from intentflow.conversion.blocks import convert_stream
from intentflow.conversion.export_format import Format, LabelledRow, Options, Row, RowRejected
from intentflow.conversion.formats import detect_layout, find_format
from intentflow.conversion.limits import DEFAULT_LIMITS, LimitExceeded, SizeLimits
from intentflow.conversion.sources import Source, find_sources, open_source
from intentflow.conversion.tool_calls import DeclaredTool, declared_tools
from intentflow.errors import InputError

_KEYS = (b"tools", b"functions")
_PEEK_BYTES = 1 << 16


def survey_tools(
    sources: Sequence[str], format: str = "auto", limits: SizeLimits = DEFAULT_LIMITS
) -> dict[str, DeclaredTool]:
    r"""The tools in the ``tools`` or ``functions`` of all rows of some exports.

    Args:
        sources: Files, folders or ``s3://`` addresses.
        format: Name of a labelling tool, or ``auto``.
        limits: Sizes beyond which a file is refused.

    Returns:
        Each tool by its name, in the order of their first occurrence; what later rows add to a
        tool is added.

    Raises:
        InputError: A file cannot be read or exceeds a limit.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "chats.jsonl")
        ...     _ = path.write_text('{"messages": [], "tools": [{"function": {"name": "stop"}}]}\n')
        ...     list(survey_tools([str(path)]))
        ['stop']
    """
    found: dict[str, DeclaredTool] = {}

    def collect(row: Row, _options: Options) -> LabelledRow:
        for name, tool in declared_tools(row).items():
            found[name] = found[name].with_more(tool) if name in found else tool
        raise RowRejected("no_label")  # only the tools are of interest

    with tempfile.TemporaryDirectory() as directory:
        for source in find_sources(sources, Path(directory), limits=limits):
            try:
                _read(source, find_format(format), collect, limits)
            except LimitExceeded as error:
                raise InputError(f"{source.name}: {error}") from None
    return found


def _read(
    source: Source,
    form: Format,
    collect: Callable[[Row, Options], LabelledRow],
    limits: SizeLimits,
) -> None:
    with open_source(source, limits) as stream:
        detected = detect_layout(form, stream, source.path, limits)
        if detected.layout == "document" or _may_declare(stream):
            reading = replace(detected, read=collect, layouts=None)
            for _ in convert_stream(stream, reading, Options(limits=limits)):
                pass


def _may_declare(stream: BinaryIO) -> bool:
    """Whether the beginning of a file has a key of tools; most exports have none at all."""
    start = stream.tell()
    head = stream.read(_PEEK_BYTES)
    stream.seek(start)
    return any(key in head for key in _KEYS)
