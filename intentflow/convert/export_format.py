"""What a labelling tool's module has to say about its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson

Row = dict[str, Any]
Layout = Literal["auto", "lines", "values", "table", "transcript"]

TEXT_FIELDS = ("instruction", "content", "source", "text")
LABEL_FIELDS = ("output", "label", "intent")
DIALOGUE_FIELDS = ("dialogue_id", "dialogue", "conversation_id", "session_id")

REASONS = {
    "abandoned": "the labeller abandoned or skipped the row",
    "bad_mark_result": "MarkResult is not JSON of the documented shape",
    "blank_answer": "the label is blank",
    "blank_text": "the utterance is blank",
    "cells": "the row has more or fewer cells than the header",
    "conflict": "labelling jobs disagree; choose one with --job",
    "duplicate_key": "a key stands twice in one object, with different values",
    "empty_result": "no labelling stage has a result",
    "failed": "the labelling job reports that it failed on the row",
    "no_answer": "no result holds an output",
    "no_label": "the row has no label (of the job asked for)",
    "no_text": "the row has no utterance; name its field with --field",
    "not_an_object": "the row is JSON but not an object",
    "not_csv": "the row's quotes are not closed as CSV wants it",
    "not_json": "the row is not JSON",
    "not_text": "the utterance or the label is not text",
    "not_utf8": "the row is not UTF-8 text",
    "not_verified": "a verification job did not confirm the label",
    "several_answers": "the dialogue answers with calls more than once",
    "several_questions": "several questions are answered and none is titled output",
    "spans": "the label marks stretches of the text, which gives no call",
    "tie": "annotators disagree and none has the majority",
    "too_deep": "the row is nested too deeply to be read",
    "truncated": "the row breaks off before its end",
    "unknown_shape": "the row has the shape of no known format",
}
"""Why a row can be rejected: the stable code and what it means."""


class Ballot(NamedTuple):
    """Whose answer a row is, in an export that has one row for each annotator's answer.

    Attributes:
        item: What the rows with answers to one utterance have in common.
        annotator: Who answered; empty where each row is another annotator's.
        time: When; an annotator's latest answer counts.
    """

    item: str
    annotator: str = ""
    time: str = ""


class RowRejected(Exception):  # noqa: N818 (an outcome of a row, not a failure of the program)
    """The row cannot be kept.

    Attributes:
        reason: One of :data:`REASONS`.
        ballot: Set where other rows may answer for the same utterance.
    """

    def __init__(self, reason: str, ballot: Ballot | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ballot = ballot


class Labelled(NamedTuple):
    """What a row says, as written.

    Attributes:
        instruction: The utterance.
        output: The label; empty only in a task for labellers that has no pre-label.
        dialogue: The dialogue that the utterance is from; empty where the row names none.
        ballot: Set where other rows may answer for the same utterance.
    """

    instruction: str
    output: str
    dialogue: str = ""
    ballot: Ballot | None = None


def encode_record(row: Labelled) -> bytes:
    """The row as its digest is taken: keys in order, as ``content_digest`` has them."""
    record = b'"instruction": %b, "output": %b}' % (
        orjson.dumps(row.instruction),
        orjson.dumps(row.output),
    )
    if row.dialogue:
        return b'{"dialogue": %b, %b' % (orjson.dumps(row.dialogue), record)
    return b"{" + record


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked of the readers.

    Attributes:
        field: Name of the utterance's field; found among :data:`TEXT_FIELDS` if None.
        job: Labelling job to take the label from; all have to agree if None.
        redact: Whether rejected rows are shown without personal data.
    """

    field: str | None = None
    job: str | None = None
    redact: bool = False

    @property
    def narrows(self) -> bool:
        """Whether a reader has to heed more than the row."""
        return self.field is not None or self.job is not None


def _as_they_are(row: Row) -> Row:
    return row


@dataclass(frozen=True, slots=True)
class Format:
    """One labelling tool's export.

    Attributes:
        name: The value of ``--format``.
        recognises: Whether a row looks like one of this tool's; asked in ``auto`` only.
        read: The row's utterance and label; raises :class:`RowRejected`.
        layout: ``lines`` has one row a line, ``values`` JSON values across lines, ``auto`` either;
            ``table`` is CSV or TSV with a header, ``transcript`` a dialogue in plain text.
        encode: The row to write, as bytes without a line end.
        quick: Whether :mod:`intentflow.convert.itag_lines` may read rows instead of ``read``.
        needs_label: Whether an utterance without one label is rejected; tasks need none.
        from_cells: The row that a table's cells stand for, where a cell can hold several values.
        adapt: Does to another format what was done to this one, where a file turns out to be of it.
    """

    name: str
    recognises: Callable[[Row], bool]
    read: Callable[[Row, Options], Labelled]
    layout: Layout = "auto"
    encode: Callable[[Labelled], bytes] = encode_record
    quick: bool = False
    needs_label: bool = True
    from_cells: Callable[[Row], Row] = _as_they_are
    adapt: Callable[[Format], Format] | None = None


def unrecognised(_row: Row) -> bool:
    """What a format that no row can be told to be of recognises."""
    return False


def label_text(fields: Row, options: Options, output: str) -> Labelled:
    """The utterance among a row's fields with its label and, where named, its dialogue.

    Raises:
        RowRejected: ``no_text``, ``not_text`` or ``blank_text``.
    """
    return Labelled(find_text(fields, options.field), output, find_dialogue(fields))


def find_dialogue(fields: Row) -> str:
    """The dialogue's id among a row's fields, text or a whole number; empty if there is none."""
    for name in DIALOGUE_FIELDS:
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def find_text(fields: Row, name: str | None) -> str:
    """The utterance among a row's fields.

    Raises:
        RowRejected: ``no_text``, ``not_text`` or ``blank_text``.
    """
    names = TEXT_FIELDS if name is None else (name,)
    for candidate in names:
        text = fields.get(candidate)
        if text is None:
            continue
        if not isinstance(text, str):
            raise RowRejected("not_text")
        if not text or text.isspace():
            raise RowRejected("blank_text")
        return text
    raise RowRejected("no_text")
