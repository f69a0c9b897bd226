"""Which jobs and fields a file has, for who asked for one that it has not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice

from intentflow.convert import ground_truth, itag
from intentflow.convert.blocks import convert_stream
from intentflow.convert.export_format import Format, Labelled, Options, Row, RowRejected
from intentflow.convert.formats import settle_layout
from intentflow.convert.sources import Source, open_source

_MAX_NAMES = 5
_MAX_PARTS = 3


def say_what_is_there(sources: Sequence[Source], form: Format, options: Options) -> str:
    """The end of a message: the jobs and fields in the first rows, where the asked is not one.

    Args:
        sources: The files; the first one is looked at.
        form: The format that was asked for.
        options: What was asked.

    Returns:
        For example ``; no field query, there are text, note``; empty where nothing is amiss.
    """
    if not options.narrows:
        return ""
    jobs: dict[str, None] = {}
    fields: dict[str, None] = {}
    with open_source(sources[0]) as stream:
        settled = settle_layout(form, stream, sources[0].path.name)
        looking = replace(settled, read=partial(_note, jobs, fields), quick=False)
        for _ in islice(convert_stream(stream, looking, Options()), _MAX_PARTS):
            pass
    job = options.job and options.job.removeprefix("label-")
    return _missing("job", job, jobs) + _missing("field", options.field, fields)


def _note(jobs: dict[str, None], fields: dict[str, None], row: Row, _options: Options) -> Labelled:
    """Note a row's names instead of reading it."""
    jobs.update(dict.fromkeys(chain(itag.job_names(row), ground_truth.job_names(row))))
    data = row.get("data")
    texts = data if isinstance(data, dict) else row
    fields.update(dict.fromkeys(name for name, it in texts.items() if isinstance(it, str)))
    raise RowRejected("no_text")


def _missing(kind: str, asked: str | None, there: Iterable[str]) -> str:
    names = list(there)
    if asked is None or asked in names:
        return ""
    if not names:
        return f"; no {kind} {asked}, there is none"
    more = ", …" if len(names) > _MAX_NAMES else ""
    return f"; no {kind} {asked}, there are: {', '.join(names[:_MAX_NAMES])}{more}"
