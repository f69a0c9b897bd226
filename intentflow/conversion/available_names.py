"""Available jobs and fields of a file, for messages about a name that it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice

from intentflow.conversion import ground_truth, itag
from intentflow.conversion.blocks import convert_stream
from intentflow.conversion.export_format import Format, LabelledRow, Options, Row, RowRejected
from intentflow.conversion.formats import detect_layout
from intentflow.conversion.sources import Source, open_source

_MAX_NAMES = 5
_MAX_PARTS = 3


def describe_available_names(sources: Sequence[Source], form: Format, options: Options) -> str:
    """The end of a message: the names in the first rows, if the requested one is not among them.

    Args:
        sources: The files; only the first one is read.
        form: The requested format.
        options: The requested field and job.

    Returns:
        For example ``; there is no field query, only text, note``; empty if the names exist.
    """
    if not options.narrows:
        return ""
    jobs: dict[str, None] = {}
    fields: dict[str, None] = {}
    with open_source(sources[0], options.limits) as stream:
        detected = detect_layout(form, stream, sources[0].path, options.limits)
        recording = replace(detected, read=partial(_record_names, jobs, fields), layouts=None)
        for _ in islice(
            convert_stream(stream, recording, Options(limits=options.limits)), _MAX_PARTS
        ):
            pass
    job = options.job and options.job.removeprefix("label-")
    return _missing("job", job, jobs) + _missing("field", options.field, fields)


def _record_names(
    jobs: dict[str, None], fields: dict[str, None], row: Row, _options: Options
) -> LabelledRow:
    """Record a row's names instead of reading it."""
    jobs.update(dict.fromkeys(chain(itag.job_names(row), ground_truth.job_names(row))))
    data = row.get("data")
    texts = data if isinstance(data, dict) else row
    fields.update(dict.fromkeys(name for name, it in texts.items() if isinstance(it, str)))
    raise RowRejected("no_text")


def _missing(kind: str, requested: str | None, available: Iterable[str]) -> str:
    names = list(available)
    if requested is None or requested in names:
        return ""
    if not names:
        return f"; there is no {kind} {requested}, nor any other"
    more = ", …" if len(names) > _MAX_NAMES else ""
    return f"; there is no {kind} {requested}, only {', '.join(names[:_MAX_NAMES])}{more}"
