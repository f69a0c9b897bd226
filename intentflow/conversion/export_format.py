"""The interface of a labelling tool's module: formats, options, rows and reject reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

import orjson

from intentflow.conversion.columns import DEFAULT_COLUMNS, Columns, matching, name_where_blank
from intentflow.conversion.limits import DEFAULT_LIMITS, SizeLimits
from intentflow.persons import PersonKey, is_person_hash
from intentflow.records import is_round_count

if TYPE_CHECKING:
    from intentflow.conversion.json_values import Value
    from intentflow.conversion.parameter_order import ParameterOrder

Row = dict[str, Any]
Layout = Literal["auto", "lines", "values", "table", "tsv", "transcript", "document"]

DIALOGUE_FIELDS = ("dialogue_id", "dialogue", "conversation_id", "session_id")
PERSON_FIELD = "person"
"""Field of records with the keyed hash of the person."""

PREDICTION_FIELD = "prediction"
"""Field with a model's answer, which is kept with the label and never taken for it."""

REASONS = {
    "abandoned": "the labeller abandoned or skipped the row",
    "ambiguous_spans": "a labelled span may be a parameter of several of the row's intents",
    "bad_arguments": "a tool call's arguments are not a JSON object",
    "bad_mark_result": "MarkResult is not JSON in the documented format",
    "blank_answer": "the label is blank",
    "blank_text": "the utterance is blank",
    "cells": "the row has more or fewer cells than the header",
    "conflict": "labelling jobs disagree; choose one with --job",
    "dialogue": "the utterance is a dialogue, and which speaker is the user is not clear",
    "duplicate_key": "an object has the same key twice, with different values",
    "empty_result": "no labelling stage has a result",
    "failed": "the labelling job reports that it failed on the row",
    "no_answer": "no result contains an output",
    "no_call_name": "the intent's name cannot be written as a call",
    "no_label": "the row has no label (of the requested job)",
    "no_text": "the row has no utterance; name its field with --field",
    "not_an_object": "the row is JSON but not an object",
    "not_csv": "the row has unclosed quotes, which CSV does not allow",
    "not_json": "the row is not JSON",
    "not_markable": "a value is not in the utterance, or Rasa would read the text otherwise",
    "not_text": "the utterance or the label is not text",
    "not_utf8": "the row is not UTF-8 text; save the file as UTF-8 (in Excel: CSV UTF-8)",
    "not_verified": "a verification job did not confirm the label",
    "rejected": "a reviewer or the labeller rejected the label",
    "repeated_parameter": "two spans or values are the same parameter",
    "several_answers": "the dialogue answers with calls more than once",
    "several_fields": "the label is an object with several texts; name the one with the intent, as "
    "in --label-field labels.intent",
    "several_questions": "several questions are answered and none is titled output",
    "spans": "the label marks spans of the text, which do not define a call; "
    "--parameters-from-spans makes them parameters of the class next to them",
    "template": "the utterance has placeholders instead of words",
    "tie": "annotators disagree and none has the majority",
    "too_deep": "the row is nested too deeply to be read",
    "truncated": "the row is cut off before its end",
    "unnamed_intent": "phrases of Dialogflow ES are named after their intent: give the agent's "
    "folder, or name the file INTENT_usersays_en.json",
    "unknown_parameter": "a span or value is no parameter of the intent in the taxonomy",
    "unknown_shape": "the row matches no known format",
}
"""Reasons for rejecting a row: stable codes and their meaning."""


class Ballot(NamedTuple):
    """The origin of a row's answer, in an export with one row per annotator and utterance.

    Attributes:
        item: Key that the answers to one utterance share.
        annotator: Name of the annotator; empty if each row is from a different one.
        time: Time of the answer; an annotator's latest answer counts.
        is_file_of_annotator: Whether each annotator's answers are in a file with the name.
    """

    item: str
    annotator: str = ""
    time: str = ""
    is_file_of_annotator: bool = False

    @property
    def name(self) -> str:
        """The annotator's name, without the question that some exports have a vote for."""
        return self.annotator.partition("\0")[0]


class AnnotatorAnswer(NamedTuple):
    """One annotator's answer.

    Attributes:
        label: The label, as written.
        annotator: Name of the annotator; empty if the export has none.
    """

    label: str
    annotator: str = ""


class AnsweredRow(NamedTuple):
    """The answers of several annotators to one utterance.

    Attributes:
        utterance: The utterance, which decides on full-width commas between values.
        answers: Answers of the annotators.
    """

    utterance: str
    answers: tuple[AnnotatorAnswer, ...]


class RowRejected(Exception):  # noqa: N818 (an outcome of a row, not a failure of the program)
    """The row cannot be kept.

    Attributes:
        reason: One of :data:`REASONS`.
        ballot: Origin of the answer, if other rows may answer for the same utterance.
        answers: The answers of several annotators, if the row has them.
    """

    def __init__(
        self, reason: str, ballot: Ballot | None = None, answers: AnsweredRow | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ballot = ballot
        self.answers = answers


class LabelledRow(NamedTuple):
    """The content of a labelled row, as written.

    Attributes:
        instruction: The utterance.
        output: The label; empty only in a task for labellers that has no pre-label.
        dialogue: Id of the dialogue that the utterance is from; empty if the row has none.
        ballot: Origin of the answer, if other rows may answer for the same utterance.
        rounds: Number of the user's turns that the utterance joins.
        answers: The answers of several annotators, if the row has them.
        person: Keyed hash of the person whose utterance it is; empty if the row has none.
        prediction: A model's answer, the pre-label; empty if the row has none.
        annotators: Names of those who gave the label, as far as the export has them.
    """

    instruction: str
    output: str
    dialogue: str = ""
    ballot: Ballot | None = None
    rounds: int = 1
    answers: AnsweredRow | None = None
    person: str = ""
    prediction: str = ""
    annotators: tuple[str, ...] = ()


def encode_record(row: LabelledRow) -> bytes:
    """The row in the form that is digested: keys in the order of ``content_digest``."""
    record = b'"instruction": %b, "output": %b%b%b%b}' % (
        orjson.dumps(row.instruction),
        orjson.dumps(row.output),
        b', "person": "%b"' % row.person.encode() if row.person else b"",
        b', "prediction": %b' % orjson.dumps(row.prediction) if row.prediction else b"",
        b', "rounds": %d' % row.rounds if row.rounds > 1 else b"",
    )
    if row.dialogue:
        return b'{"dialogue": %b, %b' % (orjson.dumps(row.dialogue), record)
    return b"{" + record


class PersonField(NamedTuple):
    """The field with the person whose utterance a row is, of which the keyed hash is kept.

    Attributes:
        name: Name of the field; its case and separators do not count.
        key: Key of the hash.
    """

    name: str
    key: PersonKey


@dataclass(frozen=True, slots=True)
class Options:
    """The user's options for the readers.

    Attributes:
        field: Name of the utterance's field; those of ``columns`` if None.
        label_field: Name of the label's field; those of ``columns`` if None.
        columns: The fields that were found in the file, the best first.
        job: Labelling job to take the label from; if None, all have to agree.
        redact: Whether rejected rows are redacted.
        limits: Sizes beyond which a file is refused.
        spans: Whether labelled spans are parameters of the intent that is chosen next to them.
        order: Order of each intent's parameters; None if it is not known.
        person: Field with the person; if None, only keyed hashes in ``person`` are kept.
        is_repeated: Whether the files are read again, so that what is found was logged before.
    """

    field: str | None = None
    job: str | None = None
    redact: bool = False
    limits: SizeLimits = DEFAULT_LIMITS
    label_field: str | None = None
    columns: Columns = DEFAULT_COLUMNS
    spans: bool = False
    order: ParameterOrder | None = None
    person: PersonField | None = None
    is_repeated: bool = False

    @property
    def narrows(self) -> bool:
        """Whether a reader has to consider options in addition to the row."""
        return not (self.field is self.job is self.label_field is None)

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of the utterance's field, the best first."""
        return self.columns.texts if self.field is None else (self.field,)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the label's field, the best first."""
        return self.columns.labels if self.label_field is None else (self.label_field,)


def _unchanged(row: Row) -> Row:
    return row


class LayoutRules(NamedTuple):
    """Properties of a format that :mod:`intentflow.conversion.row_layouts` depends on.

    Attributes:
        applies: Tests whether the layout of a parsed row may be learned.
        decisive_keys: Keys of values by which the reader decides, wherever they stand.
        nested_key: Key of texts that hold a JSON document.
    """

    applies: Callable[[Row], bool]
    decisive_keys: frozenset[str]
    nested_key: str


@dataclass(frozen=True, slots=True)
class Format:
    """One labelling tool's export.

    Attributes:
        name: The value of ``--format``.
        recognises: Tests whether a row is from this tool; called only for ``auto``.
        read: Reads the row's utterance and label; raises :class:`RowRejected`.
        layout: ``lines`` has one row per line, ``values`` JSON values across lines, ``auto``
            either; ``table`` is CSV with a header, ``tsv`` the same without quotes,
            ``transcript`` a dialogue in plain text, ``document`` a file that ``scan`` reads.
        encode: Encodes a row for the output, as bytes without a line end.
        layouts: Rules for learning the layouts of its rows; None if ``read`` has to read each row.
        needs_label: Whether an utterance without a label is rejected; tasks need none.
        from_cells: Converts a table's row, in which a cell can contain several values.
        adapt: Adapts another format like this one, if a file turns out to have it.
        scan: Finds the rows of a file of layout ``document``, given its bytes and its path.
        path: Path of the file that ``scan`` reads.
    """

    name: str
    recognises: Callable[[Row], bool]
    read: Callable[[Row, Options], LabelledRow]
    layout: Layout = "auto"
    encode: Callable[[LabelledRow], bytes] = encode_record
    layouts: LayoutRules | None = None
    needs_label: bool = True
    from_cells: Callable[[Row], Row] = _unchanged
    adapt: Callable[[Format], Format] | None = None
    scan: Callable[[BinaryIO, Path, SizeLimits], Iterator[Value]] | None = None
    path: Path = Path()


def unrecognised(_row: Row) -> bool:
    """The ``recognises`` of formats that cannot be recognised by a row."""
    return False


def label_text(fields: Row, options: Options, output: str) -> LabelledRow:
    """The utterance among a row's fields with its label and, if given, its dialogue and rounds.

    Raises:
        RowRejected: ``no_text``, ``not_text`` or ``blank_text``.
    """
    return LabelledRow(
        find_text(fields, options),
        output,
        find_dialogue(fields),
        rounds=find_rounds(fields),
        person=find_person(fields, options),
        prediction=find_prediction(fields),
    )


def find_dialogue(fields: Row) -> str:
    """The dialogue's id among a row's fields, a text or an integer; empty if there is none."""
    for name in DIALOGUE_FIELDS:
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def find_person(fields: Row, options: Options) -> str:
    """The keyed hash of the person among a row's fields; empty if there is none."""
    if options.person is None:
        kept = fields.get(PERSON_FIELD)
        return kept if is_person_hash(kept) else ""
    names = matching(fields, options.person.name, ())
    value = fields[names[0]] if names else None
    if is_person_hash(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return options.person.key.hashed(value) if isinstance(value, str) and value.strip() else ""


def find_prediction(fields: Row) -> str:
    """The model's answer among a row's fields, as `predict` writes it; empty without one."""
    found = fields.get(PREDICTION_FIELD)
    return found if isinstance(found, str) and found.strip() else ""


def find_rounds(fields: Row) -> int:
    """The number of rounds that a row's utterance joins, by its field ``rounds``; 1 without."""
    rounds = fields.get("rounds")
    return rounds if is_round_count(rounds) else 1


def find_text(fields: Row, options: Options) -> str:
    """The utterance among a row's fields.

    Raises:
        RowRejected: ``no_text``, ``not_text`` or ``blank_text``.
    """
    for candidate in options.texts:
        text = field_value(fields, candidate)
        if text is None:
            continue
        if not isinstance(text, str):
            raise RowRejected("not_text")
        if text and not text.isspace():
            return text
        other = None if options.field else name_where_blank(candidate, fields)
        if not isinstance(text := fields.get(other or ""), str) or not text.strip():
            raise RowRejected("blank_text")
        return text
    raise RowRejected("no_text")


def peek_text(fields: Any, options: Options) -> str:
    """The utterance among a row's fields; empty if there is none."""
    try:
        return find_text(fields, options) if isinstance(fields, dict) else ""
    except RowRejected:
        return ""


def find_label(fields: Row, options: Options) -> Any:
    """The value of the label's field; None if the row has none."""
    values = (field_value(fields, name) for name in options.labels)
    return next((value for value in values if value is not None), None)


def field_value(fields: Row, name: str) -> Any:
    """The value of a field, or of one in an object, whose name is ``OBJECT.FIELD``; None without.

    Example:
        >>> field_value({"labels": {"intent": "refund"}}, "labels.intent")
        'refund'
    """
    if name in fields or "." not in name:
        return fields.get(name)
    first, _, rest = name.partition(".")
    inner = fields.get(first)
    return field_value(inner, rest) if isinstance(inner, dict) else None
