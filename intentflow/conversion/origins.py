"""The labelling tool or format that each file of an export came from, and its annotators."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence

from intentflow.conversion.export_format import Format
from intentflow.conversion.formats import detect_layout, row_format
from intentflow.conversion.json_values import read_values
from intentflow.conversion.limits import SizeLimits
from intentflow.conversion.sources import Source, open_source

_AUTO = "auto"


def origins_of(
    sources: Sequence[Source],
    form: Format,
    limits: SizeLimits,
    annotators: Mapping[str, Collection[str]],
) -> dict[str, list[str]]:
    """The format of each file and its annotators; of mixed formats, that of the first row.

    Args:
        sources: The files.
        form: The requested format.
        limits: The sizes allowed.
        annotators: Names of the annotators by the names of the files.

    Returns:
        The name of the format, such as ``label-studio``, and each annotator after it, such as
        ``label-studio:7``, by the names of the files.
    """
    found = {}
    for source in sources:
        tool = _origin(source, form, limits)
        found[source.name] = [
            tool,
            *(f"{tool}:{it}" for it in sorted(annotators.get(source.name, ()))),
        ]
    return found


def origins_below(origins: Mapping[str, Sequence[str]], source: str) -> list[str]:
    """The formats and annotators of the files of a source.

    Args:
        origins: Formats and annotators by the names of files.
        source: A file, or a folder of some of them.

    Example:
        >>> origins_below({"labels/a.json": ["itag"], "b.csv": ["csv"]}, "labels")
        ['itag']
    """
    folder = f"{source.rstrip('/')}/"
    files = (name for name in origins if name == source or name.startswith(folder))
    return sorted({it for name in files for it in origins[name]})


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
