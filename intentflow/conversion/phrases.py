"""Training phrases: utterances of an intent with named values, from one document.

Chatbot platforms export all phrases of a bot, or of an intent, as one document. Each module of such
a platform finds the phrases in it; what follows is the same for all. Design decision: a value is
the text that stands in the utterance, not the entity's canonical value; a phrase that is a template
(``@date``, ``{city}``) has no words that a user would say and is rejected.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import orjson

from intentflow.conversion.export_format import (
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    unrecognised,
)
from intentflow.conversion.json_values import Value, scan_values
from intentflow.conversion.limits import SizeLimits
from intentflow.conversion.parameter_order import NamedValue
from intentflow.conversion.parameters import label_with_values

_KEY = "phrase"
_SURROGATES = "surrogateescape"


class Phrase(NamedTuple):
    """One training phrase.

    Attributes:
        text: The utterance.
        intent: Name of the intent.
        values: The named values in it.
        declared: Names of the intent's parameters in the order that the document states.
        raw: The phrase as it stands in the document, for the rejects file.
        line: Line number in the file, from 1; 1 where the document is one value.
        is_template: Whether it has placeholders instead of words.
        problem: Reason for rejecting it that was found with its parts; empty if there is none.
    """

    text: Any
    intent: Any
    values: Sequence[NamedValue] = ()
    declared: Sequence[str] = ()
    raw: Any = None
    line: int = 1
    is_template: bool = False
    problem: str = ""


class PhraseFinder(Protocol):
    """Finds the phrases of a platform's document."""

    def __call__(self, document: Any, path: Path, /) -> Iterator[Phrase]:
        """The phrases of a document, given the path of its file.

        Raises:
            RowRejected: The document is not this platform's.
        """


def phrase_format(name: str, find: PhraseFinder) -> Format:
    """The format of a platform whose export is a JSON document.

    Args:
        name: The value of ``--format``.
        find: Finds its phrases.
    """

    def scan(stream: BinaryIO, path: Path, limits: SizeLimits) -> Iterator[Value]:
        for value in _documents(stream, limits):
            yield from _phrases(value, find, path)

    return Format(name, unrecognised, read, layout="document", scan=scan)


def as_value(phrase: Phrase) -> Value:
    """The phrase as a row of a document."""
    raw = phrase.raw if isinstance(phrase.raw, str) else json.dumps(phrase.raw, ensure_ascii=False)
    return Value(phrase.line, raw, {_KEY: phrase})


def read(row: Row, options: Options) -> LabelledRow:
    """Read a phrase's utterance and its call.

    Raises:
        RowRejected: The phrase is a template, blank or malformed, or see
            :func:`intentflow.conversion.parameters.label_with_values`.
    """
    phrase = row.get(_KEY)
    if not isinstance(phrase, Phrase):
        raise RowRejected("unknown_shape")
    if phrase.problem:
        raise RowRejected(phrase.problem)
    if phrase.intent is None or phrase.intent == "":
        raise RowRejected("no_label")
    if not isinstance(phrase.text, str) or not isinstance(phrase.intent, str):
        raise RowRejected("no_text" if phrase.text is None else "not_text")
    if phrase.is_template:
        raise RowRejected("template")
    text = phrase.text.strip()
    if not text:
        raise RowRejected("blank_text")
    label = label_with_values(phrase.intent, phrase.values, options.order, phrase.declared)
    return LabelledRow(text, label)


def join_parts(parts: Any, names: Sequence[str]) -> tuple[str, list[NamedValue]]:
    """The text of a phrase in parts, and the parts that have a name.

    Args:
        parts: ``[{"text": "to "}, {"text": "Oslo", "alias": "city"}]``.
        names: Keys of a part that name its value, the preferred one first.

    Raises:
        RowRejected: ``unknown_shape``.

    Example:
        >>> join_parts([{"text": "to "}, {"text": "Oslo", "alias": "city"}], ["alias"])
        ('to Oslo', [NamedValue(names=('city',), text='Oslo', start=3)])
    """
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise RowRejected("unknown_shape")
    text = ""
    values: list[NamedValue] = []
    for part in parts:
        piece = part.get("text", "")
        if not isinstance(piece, str):
            raise RowRejected("not_text")
        given = tuple(found for it in names if isinstance(found := part.get(it), str) and found)
        if given and piece.strip():
            values.append(NamedValue(given, piece.strip(), len(text)))
        text += piece
    return text, values


def phrase_in_parts(parts: Any, names: Sequence[str], phrase: Phrase) -> Phrase:
    """The phrase with the text and the values of its parts, or with their problem.

    Args:
        parts: Parts of the text, each with an alias if it is a value; see :func:`join_parts`.
        names: Keys of a part that name its value, the preferred one first.
        phrase: The rest of the phrase: its intent, parameters and origin.
    """
    try:
        text, values = join_parts(parts, names)
    except RowRejected as rejected:
        return phrase._replace(problem=rejected.reason)
    return phrase._replace(text=text, values=values)


def find_items(document: Any, key: str) -> list[Row]:
    """The objects in the list under a key of an object; empty if there is none."""
    items = document.get(key) if isinstance(document, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def find_names(items: Iterable[Row], key: str) -> list[str]:
    """The texts under a key of some objects."""
    return [item[key] for item in items if isinstance(item.get(key), str)]


def _documents(stream: BinaryIO, limits: SizeLimits) -> Iterator[Value]:
    """The document of a file, or the parts of it that are JSON."""
    content = stream.read(limits.max_line_bytes + 1)
    if len(content) > limits.max_line_bytes:
        raise limits.line_exceeded()
    try:
        yield Value(1, "", orjson.loads(content))
    except ValueError:
        yield from scan_values(content.decode("utf-8", _SURROGATES))


def _phrases(value: Value, find: PhraseFinder, path: Path) -> Iterator[Value]:
    if value.problem:
        yield value
        return
    try:
        yield from map(as_value, find(value.document, path))
    except RowRejected as rejected:
        raw = value.raw or json.dumps(value.document, ensure_ascii=False)
        yield Value(value.line, raw, problem=rejected.reason)
