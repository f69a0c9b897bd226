"""The labelling tool or format that each file of an export came from."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from intentflow.conversion.export_format import Format
from intentflow.conversion.formats import detect_layout, row_format
from intentflow.conversion.json_values import read_values
from intentflow.conversion.limits import SizeLimits
from intentflow.conversion.sources import Source, open_source

_AUTO = "auto"


def origins_of(sources: Sequence[Source], form: Format, limits: SizeLimits) -> dict[str, str]:
    """The format of each file; where rows of several are mixed, that of the first row.

    Args:
        sources: The files.
        form: The requested format.
        limits: The sizes allowed.

    Returns:
        Names of formats, such as ``label-studio``, by the names of the files.
    """
    return {source.name: _origin(source, form, limits) for source in sources}


def origins_below(origins: Mapping[str, str], source: str) -> list[str]:
    """The formats of the files of a source.

    Args:
        origins: Formats by the names of files.
        source: A file, or a folder of some of them.

    Example:
        >>> origins_below({"labels/a.json": "itag", "b.csv": "csv"}, "labels")
        ['itag']
    """
    folder = f"{source.rstrip('/')}/"
    return sorted({it for name, it in origins.items() if name == source or name.startswith(folder)})


def _origin(source: Source, form: Format, limits: SizeLimits) -> str:
    with open_source(source, limits) as stream:
        detected = detect_layout(form, stream, source.path, limits)
        if detected.name != _AUTO:
            return detected.name
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
        first = next(iter(read_values(text, limits=limits)), None)
        text.detach()
        document = first.document if first else None
        return row_format(document) if isinstance(document, dict) else row_format({})
