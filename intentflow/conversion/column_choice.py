"""Choice of a file's columns, from a sample of its first rows.

The candidates are the columns with a usual name. Where none of them looks like an utterance, or
like a label, all columns are candidates, and what was found is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from intentflow.conversion import ground_truth, prodigy
from intentflow.conversion.blocks import convert_block, convert_stream, end_block
from intentflow.conversion.column_ranking import (
    MARGIN,
    Question,
    are_class_names,
    look_like_labels,
    look_like_utterances,
    may_be_utterances,
    rank_labels,
    rank_texts,
)
from intentflow.conversion.columns import LABEL_FIELDS, METADATA_FIELDS, TEXT_FIELDS, fold, matching
from intentflow.conversion.export_format import Format, LabelledRow, Options, Row, RowRejected
from intentflow.conversion.sources import Source, open_source
from intentflow.errors import InputError
from intentflow.printable import printable

log = logging.getLogger(__name__)

# Keys of dialogues, which have the utterances of several turns, and of labelling tools.
_CHATS = frozenset({"messages", "conversations"})
_TOOLS = _CHATS | {"annotations", "data", "cats", "annotation_id"}
_MAX_WORDS = 4  # of a heading
_SAMPLE_ROWS = 1000
_SAMPLE_BYTES = 1 << 18


def choose_columns(source: Source, form: Format, options: Options) -> Options:
    """Find the fields of the utterance and of the label in a file.

    Args:
        source: The file.
        form: Format of the file, with its layout.
        options: The user's options; a name given there is found whatever its case.

    Returns:
        The options with the file's columns, the best first.

    Raises:
        InputError: Two columns look alike; the message names both and the option that decides.
    """
    if form.layout == "transcript":
        return options
    rows = _sample(source, form, options)
    fields = [_fields(row) for row in rows]
    candidates = _label_candidates(rows, form, options)
    labels, asked = rank_labels(rows, candidates)
    _refuse(source, asked, "label", "label_field")
    known = _with_labels(options, labels, candidates)
    taken = [*labels[:1]] if fields == rows else []
    candidates = _text_candidates(fields, taken, options)
    reading = _with_texts(known, candidates, candidates)
    answers = [_answer(row, form, reading) for row in rows]
    texts, asked = rank_texts(fields, candidates, answers)
    _refuse(source, asked, "utterance", "field")
    if form.layout in ("table", "tsv") and labels and fold(labels[0]) not in LABEL_FIELDS:
        _require_heading(source, [*texts[:1], labels[0]], _values(rows, labels[0]))
    _log_unusual(source, texts, labels, options)
    return _with_texts(known, texts, candidates)


def _sample(source: Source, form: Format, options: Options) -> list[Row]:
    """The first rows of the file that are objects."""
    found: list[Row] = []
    recording = replace(form, read=partial(_record, found), layouts=None)
    own = Options(limits=options.limits)
    with open_source(source, options.limits) as stream:
        if form.layout == "lines":
            block = end_block(stream, stream.read(_SAMPLE_BYTES), options.limits)
            convert_block(block, recording, own)
        else:
            next(convert_stream(stream, recording, own), None)
    return found


def _record(found: list[Row], row: Row, _options: Options) -> LabelledRow:
    if len(found) < _SAMPLE_ROWS:
        found.append(row)
    raise RowRejected("no_text")


def _fields(row: Row) -> Row:
    """The part of a row that has the utterance."""
    data = row.get("data")
    if isinstance(data, dict):
        return data
    if ground_truth.recognises(row):
        return ground_truth.text_fields(row)
    return row


def _names(rows: Sequence[Row], wanted: str | None, known: tuple[str, ...]) -> list[str]:
    """The candidates among the fields of the rows, in the order of the known names."""
    found = matching(dict.fromkeys(name for row in rows for name in row), wanted, known)
    return sorted(found, key=lambda name: known.index(fold(name))) if wanted is None else found


def _label_candidates(rows: Sequence[Row], form: Format, options: Options) -> list[str]:
    """Columns that may be the label: of flat rows all that look like one, if no usual name does."""
    known = _names(rows, options.label_field, LABEL_FIELDS)
    is_read = options.label_field is None and form.needs_label
    if not is_read or not all(map(_is_flat, rows)):
        return known
    if any(look_like_labels(_values(rows, name)) for name in known):
        return known
    names = dict.fromkeys(name for row in rows for name in row)
    excluded = {*known, *(name for name in names if fold(name) in METADATA_FIELDS)}
    other = [it for it in names if it not in excluded and are_class_names(_values(rows, it))]
    return [*other, *known]


def _text_candidates(fields: Sequence[Row], taken: list[str], options: Options) -> list[str]:
    """Columns that may be the utterance: all that look like one, if no usual name does."""
    known = _names(fields, options.field, TEXT_FIELDS)
    if options.field is not None or any(_CHATS.intersection(row) for row in fields):
        return known
    if any(may_be_utterances(_values(fields, name)) for name in known):
        return known
    names = dict.fromkeys(name for row in fields for name in row)
    other = [
        it
        for it in names
        if it not in (*known, *taken) and look_like_utterances(_values(fields, it))
    ]
    return [*other, *known]


def _values(rows: Sequence[Row], name: str) -> list[Any]:
    return [row[name] for row in rows if row.get(name) not in (None, "")]


def _is_flat(row: Row) -> bool:
    """Whether a row is no tool's, which has its labels in places of its own."""
    tools = (ground_truth.recognises, prodigy.recognises)
    return not _TOOLS.intersection(row) and not any(recognises(row) for recognises in tools)


def _require_heading(source: Source, names: list[str], labels: list[Any]) -> None:
    """Refuse a table whose first line is a row.

    Args:
        source: The file.
        names: Headings of the columns that were chosen, the label's last.
        labels: The labels.

    Raises:
        InputError: The label's heading is itself a label, or the utterance's is a sentence.
    """
    if names[-1] in labels or any(len(name.split()) > _MAX_WORDS for name in names):
        raise InputError(
            f"{source.name}: the first line is a row ({printable(', '.join(names))}), where the "
            "names of the columns are expected: add a line before it, such as text,label"
        )


def _log_unusual(
    source: Source, texts: Sequence[str], labels: Sequence[str], options: Options
) -> None:
    if options.is_repeated:
        return
    found = [
        f'"{names[0]}" is taken for the {what} ({flag} names another)'
        for what, flag, names, known, given in (
            ("utterance", "--field", texts, TEXT_FIELDS, options.field),
            ("label", "--label-field", labels, LABEL_FIELDS, options.label_field),
        )
        if names and given is None and fold(names[0]) not in known
    ]
    if found:
        log.warning("%s: by its content, %s", source.name, printable(", and ".join(found)))


def _with_labels(options: Options, names: list[str], candidates: list[str]) -> Options:
    if options.label_field is not None:
        return replace(options, label_field=names[0] if names else options.label_field)
    labels = _and_unseen(names, candidates, LABEL_FIELDS)
    return replace(options, columns=replace(options.columns, labels=labels))


def _with_texts(options: Options, names: list[str], candidates: list[str]) -> Options:
    if options.field is not None:
        return replace(options, field=names[0] if names else options.field)
    texts = _and_unseen(names, candidates, TEXT_FIELDS)
    return replace(options, columns=replace(options.columns, texts=texts))


def _and_unseen(names: list[str], candidates: list[str], known: tuple[str, ...]) -> tuple[str, ...]:
    """The ranked names, and the known ones for rows after the sample that have others."""
    return (*names, *(name for name in known if name not in candidates))


def _answer(row: Row, form: Format, options: Options) -> str:
    """The label of a row; empty if it is rejected."""
    try:
        return form.read(row, options).output
    except RowRejected:
        return ""


def _refuse(source: Source, asked: Question | None, what: str, option: str) -> None:
    if asked is None:
        return
    (best, other), scores = asked.names, asked.scores
    flag = "--" + option.replace("_", "-")
    raise InputError(
        f'{source.name}: two columns look like the {what}, "{best}" (score {scores[0]:.2f}) and '
        f'"{other}" ({scores[1]:.2f}), less than {MARGIN} apart: choose one with {flag} '
        f'({option} in run.yaml), such as {flag} "{best}"'
    )
