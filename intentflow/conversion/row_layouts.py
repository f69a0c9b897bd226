r"""Layouts of rows: the rows of an export mostly differ in their values alone.

A layout is learned from a row that its format's reader has read: which keys, in which order and
with which blanks, where the utterance and the label stand, and which values do not matter. It is a
regular expression that finds both texts of further such rows in one scan, without parsing them. Any
row that it does not match is left to the reader, so a layout saves time and changes no result:

- Keys, punctuation, blanks and the values that a reader decides by stay literal.
- The other values may be any of the kinds (text, number, null …) seen at their place. That they do
  not matter is tried: the reader gets the row with other values.
- The utterance and the label start with a visible character.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from intentflow.conversion.export_format import LabelledRow, LayoutRules, Row, RowRejected
from intentflow.conversion.json_pieces import Kind, Path, Scalar, set_value, split_json

Read = Callable[[Row], LabelledRow]

# Beyond these, learning takes longer than it saves.
_MAX_CHARACTERS = 1 << 14
_MAX_PIECES = 500
_MARK = "\N{SNOWMAN}(1)"  # a text that no row has, and a call
_TRIALS = ("", "x", None, 7, True, False)
_UNESCAPED = r'[^"\\\x00-\x1f]'
_VISIBLE = r'[^"\\\x00-\x20]'
_CHARACTER = r"(?![dD][89a-fA-F])[0-9a-fA-F]{4}"  # not half of one
_UNICODE = rf"u(?:[dD][89abAB][0-9a-fA-F]{{2}}\\u[dD][c-fC-F][0-9a-fA-F]{{2}}|{_CHARACTER})"
_ESCAPE = rf'\\(?:["\\/bfnrt]|{_UNICODE})'
# In a document within a text each escape sequence is escaped again; one of the outer text stands
# for a character, which must not be a quote, a backslash or a control character.
_NESTED_ESCAPE = rf'\\(?:/|(?!u00[0-7]){_UNICODE}|\\(?:\\["\\]|[/bfnrt]|u{_CHARACTER}))'
_START = r'(?![ "]|\\[bfnrt]|\\u00[0-2])'  # not empty, not blank
_NESTED_START = r'(?! |\\"|\\u00[0-2]|\\\\(?:[bfnrt]|u00[0-2]))'
_NUMBER = r"-?+(?:0|[1-9]\d{0,14}+)(?:\.\d{1,15}+)?+"


class Slot(NamedTuple):
    """A value of a layout in a layout.

    Attributes:
        role: ``utterance``, ``label``, ``any`` value, or always the ``same``.
        kinds: Kinds of the value seen so far.
        value: The value in the row that the layout was learned from.
    """

    role: str
    kinds: frozenset[Kind]
    value: Scalar


@dataclass(frozen=True)
class Layout:
    """A learned layout: its literal texts and its slots, in order."""

    pieces: tuple[str | Slot, ...]

    @property
    def skeleton(self) -> tuple[str, ...]:
        """The common part of the layout's rows."""
        return tuple(
            piece if isinstance(piece, str) else _common_part(piece) for piece in self.pieces
        )

    @property
    def label(self) -> Scalar:
        """The label in the row that the layout was learned from."""
        return next(p.value for p in self.pieces if isinstance(p, Slot) and p.role == "label")

    def merged(self, other: Layout) -> Layout:
        """The layout of the rows of both, which have one skeleton."""
        pieces = zip(self.pieces, other.pieces, strict=True)
        return Layout(tuple(_merged(mine, theirs) for mine, theirs in pieces))

    def pattern(self, number: int) -> str:
        """Regular expression of a row without the end of its line.

        Its groups are ``utterance`` and ``label``, each followed by the layout's number.
        """
        return "".join(
            re.escape(piece) if isinstance(piece, str) else _slot_pattern(piece, number)
            for piece in self.pieces
        )


def learn_layout(line: str, row: LabelledRow, read: Read, rules: LayoutRules) -> Layout | None:
    """Learn the layout of a row.

    Args:
        line: Text of the row, without the end of the line.
        row: The result of reading it.
        read: The reader of a parsed row.
        rules: The rules of its format.

    Returns:
        The layout; None if the row has none that tells its utterance and label.
    """
    if len(line) > _MAX_CHARACTERS or row != LabelledRow(row.instruction, row.output):
        return None
    try:
        pieces = split_json(line, lambda key: key == rules.nested_key)
    except (ValueError, RecursionError):
        return None
    if len(pieces) > _MAX_PIECES:
        return None
    slots = tuple(
        piece if isinstance(piece, str) else _slot(piece, line, row, read, rules)
        for piece in pieces
    )
    roles = [piece.role for piece in slots if isinstance(piece, Slot)]
    if roles.count("utterance") != 1 or roles.count("label") != 1:
        return None
    return Layout(slots)


def _slot(value: Scalar, line: str, row: LabelledRow, read: Read, rules: LayoutRules) -> Slot:
    kinds = frozenset({value.kind})
    if value.path and value.path[-1] in rules.decisive_keys:
        return Slot("same", kinds, value)
    outcomes = [_outcome(line, value.path, trial, read) for trial in (_MARK, *_TRIALS)]
    if outcomes[0] == row._replace(instruction=_MARK):
        return Slot("utterance", kinds, value)
    if outcomes[0] == row._replace(output=_MARK):
        return Slot("label", kinds, value)
    return Slot("any" if outcomes.count(row) == len(outcomes) else "same", kinds, value)


def _outcome(line: str, path: Path, trial: object, read: Read) -> LabelledRow | None:
    """What the reader makes of the row with another value at a path."""
    try:
        return read(set_value(orjson.loads(line), path, trial))
    except RowRejected:
        return None


def _common_part(slot: Slot) -> str:
    return slot.value.raw if slot.role == "same" else f"<{slot.role} {slot.value.path}>"


def _merged(mine: str | Slot, theirs: str | Slot) -> str | Slot:
    if isinstance(mine, str) or isinstance(theirs, str):
        return mine
    return mine._replace(kinds=mine.kinds | theirs.kinds)


def _slot_pattern(slot: Slot, number: int) -> str:
    if slot.role == "same":
        return re.escape(slot.value.raw)
    if slot.role == "any":
        kinds = sorted(slot.kinds - ({"text"} if "escaped" in slot.kinds else set()))
        patterns = [_value_pattern(kind, slot.value.is_nested) for kind in kinds]
        return patterns[0] if len(patterns) == 1 else f"(?:{'|'.join(patterns)})"
    return _captured(slot, f"{slot.role}{number}")


def _captured(slot: Slot, name: str) -> str:
    """Pattern of a text that starts with a visible character, with its content as a group."""
    nested = slot.value.is_nested
    text = _text_pattern(nested, escapes="escaped" in slot.kinds)
    visible = _NESTED_START if nested else _START
    start = visible if "escaped" in slot.kinds else _VISIBLE
    return _quoted(f"(?P<{name}>{start}{text})", nested)


def _value_pattern(kind: Kind, nested: bool) -> str:
    match kind:
        case "null":
            return "null"
        case "boolean":
            return "(?:true|false)"
        case "number":
            return _NUMBER
        case _:
            return _quoted(_text_pattern(nested, escapes=kind == "escaped"), nested)


def _text_pattern(nested: bool, *, escapes: bool) -> str:
    if not escapes:
        return f"{_UNESCAPED}*+"
    escape = _NESTED_ESCAPE if nested else _ESCAPE
    return f"{_UNESCAPED}*+(?:{escape}{_UNESCAPED}*+)*+"


def _quoted(pattern: str, nested: bool) -> str:
    quote = r'\\"' if nested else '"'
    return f"{quote}{pattern}{quote}"
