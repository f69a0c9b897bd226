"""Available jobs, fields and questions of a file, for messages where no row was kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice

from intentflow.conversion import ground_truth, itag
from intentflow.conversion.blocks import convert_stream
from intentflow.conversion.columns import LABEL_FIELDS, fold
from intentflow.conversion.export_format import Format, LabelledRow, Options, Row, RowRejected
from intentflow.conversion.formats import detect_layout
from intentflow.conversion.rejects import redact_raw
from intentflow.conversion.sources import Source, open_source
from intentflow.printable import printable

_MAX_NAMES = 5
_MAX_PARTS = 3
_EXAMPLE = 30  # characters of a text that are shown
_EXAMPLE_SOURCE = 500


def describe_available_names(sources: Sequence[Source], form: Format, options: Options) -> str:
    """The end of a message: the names in the first rows, and the options that take one.

    Args:
        sources: The files; only the first one is read.
        form: The requested format.
        options: The requested field and job.

    Returns:
        A clause such as ``; there is no field query, only text, note``, or without a request
        ``; found sentence ("play it"): name the utterance's field with --field …``; empty if the
        requested names exist.
    """
    names = _Names()
    with open_source(sources[0], options.limits) as stream:
        detected = detect_layout(form, stream, sources[0].path, options.limits)
        recording = replace(detected, read=partial(_record_names, names), layouts=None)
        for _ in islice(
            convert_stream(stream, recording, Options(limits=options.limits)), _MAX_PARTS
        ):
            pass
    if not options.narrows:
        return _found(names, options)
    job = options.job and options.job.removeprefix("label-")
    missing = _missing("job", job, names.jobs) + _missing("field", options.field, names.fields)
    return missing + _missing("field", options.label_field, [*names.fields, *names.questions])


@dataclass(slots=True)
class _Names:
    """Names in a file's first rows; fields with the first text in them."""

    jobs: dict[str, None] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    questions: dict[str, None] = field(default_factory=dict)


def _record_names(names: _Names, row: Row, _options: Options) -> LabelledRow:
    """Record a row's names instead of reading it."""
    names.jobs.update(dict.fromkeys(chain(itag.job_names(row), ground_truth.job_names(row))))
    data = row.get("data")
    texts = data if isinstance(data, dict) else row
    for name, value in _texts(texts):
        if not names.fields.get(name):
            names.fields[name] = value
    annotations = row.get("annotations")
    for annotation in annotations if isinstance(annotations, list) else ():
        results = annotation.get("result") if isinstance(annotation, dict) else None
        names.questions.update(dict.fromkeys(_asked(results)))
    raise RowRejected("no_text")


def _texts(fields: Row) -> Iterator[tuple[str, str]]:
    """The fields with a text by name, those in an object of the label's as ``OBJECT.FIELD``."""
    for name, value in fields.items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict) and fold(name) in LABEL_FIELDS:
            for inner, text in value.items():
                if isinstance(text, str):
                    yield f"{name}.{inner}", text


def _asked(results: object) -> list[str]:
    found = [it for it in results if isinstance(it, dict)] if isinstance(results, list) else []
    return [str(result["from_name"]) for result in found if result.get("from_name")]


def _found(names: _Names, options: Options) -> str:
    """The fields with an example each, the questions, and the options that name one."""
    text = ""
    if names.fields:
        fields = [_with_example(name, it, options) for name, it in names.fields.items()]
        text += (
            f"; found {_first_of(fields)}: name the utterance's field with --field and the "
            "label's with --label-field"
        )
    if names.questions:
        text += f"; questions {_first_of(list(names.questions))}: --label-field names one"
    return text


def _with_example(name: str, text: str, options: Options) -> str:
    """A field with the beginning of a text in it, redacted; only the name if that is impossible."""
    if not options.redact or not text.strip():
        return printable(name)
    shown = " ".join(redact_raw(text[:_EXAMPLE_SOURCE]).split())
    cut = shown if len(shown) <= _EXAMPLE else f"{shown[:_EXAMPLE]}…"
    return printable(f'{name} ("{cut}")')


def _first_of(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more


def _missing(kind: str, requested: str | None, available: Iterable[str]) -> str:
    names = list(available)
    if requested is None or requested in names:
        return ""
    if not names:
        return f"; there is no {kind} {requested}, nor any other"
    return f"; there is no {kind} {requested}, only {_first_of(names)}"
