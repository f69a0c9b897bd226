"""The text of a JSON document in pieces: its values, and the punctuation and keys between them.

A text that holds a JSON document itself (iTAG's ``MarkResult``) can be taken apart, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

Kind = Literal["text", "escaped", "null", "boolean", "number"]
Path = tuple[str | int, ...]

INSIDE = -1
"""Element of a path between a text and the values of the document that it holds."""

_TOKEN = re.compile(r'\s+|[{}\[\]:,]|"(?:[^"\\]|\\.)*"|[^\s{}\[\]:,"]+', re.DOTALL)
_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL
)
_SPACES = re.compile(r"\s+")


class RepeatedKey(ValueError):  # noqa: N818 - a property of the document
    """An object has the same key twice."""


class Scalar(NamedTuple):
    """A value that is neither an object nor an array.

    Attributes:
        path: Keys and indices that lead to it; :data:`INSIDE` enters a text's own document.
        kind: Type of the value; ``escaped`` is a text with escape sequences.
        raw: The value as written, quotes included.
        is_nested: Whether it is a value of a text's own document.
    """

    path: Path
    kind: Kind
    raw: str
    is_nested: bool = False


Piece = str | Scalar


def split_json(text: str, opens: Callable[[str], bool]) -> list[Piece]:
    """Split the text of a document; the pieces' texts joined are the text.

    Args:
        text: Text of one JSON document.
        opens: Decides by its key whether a text that holds an object is taken apart.

    Raises:
        RepeatedKey: An object has the same key twice.
        ValueError: The text is not JSON.

    Example:
        >>> [piece for piece in split_json('{"a": 1}', lambda key: False)]
        ['{"a": ', Scalar(path=('a',), kind='number', raw='1', is_nested=False), '}']
    """
    pieces: list[Piece] = []
    for piece in _pieces(text, json.loads(text, object_pairs_hook=_object), opens):
        if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def set_value(document: Any, path: Path, value: Any) -> Any:
    """The document with another value at a path; the document itself may change."""
    head, *tail = path
    if head == INSIDE:
        return json.dumps(set_value(json.loads(document), tuple(tail), value))
    document[head] = set_value(document[head], tuple(tail), value) if tail else value
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; with a repeated key its text would not follow its value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RepeatedKey(f"{len(pairs) - len(found)} keys are repeated")
    return found


def _pieces(text: str, document: Any, opens: Callable[[str], bool]) -> Iterator[Piece]:
    tokens = (found.group() for found in _TOKEN.finditer(text))
    return _value_pieces(_Tokens(tokens), document, (), opens)


class _Tokens:
    """Tokens with the one to come."""

    def __init__(self, tokens: Iterator[str]) -> None:
        self._tokens = tokens
        self.next = next(tokens, "")

    def take(self) -> str:
        """The next token."""
        token, self.next = self.next, next(self._tokens, "")
        return token

    def spaces(self) -> str:
        """The next token if it is blank."""
        return self.take() if _SPACES.fullmatch(self.next) else ""


def _value_pieces(
    tokens: _Tokens, value: Any, path: Path, opens: Callable[[str], bool]
) -> Iterator[Piece]:
    yield tokens.spaces()
    if isinstance(value, dict | list):
        yield from _container_pieces(tokens, value, path, opens)
    else:
        yield from _scalar_pieces(tokens.take(), value, path, opens)
    yield tokens.spaces()


def _container_pieces(
    tokens: _Tokens, value: Any, path: Path, opens: Callable[[str], bool]
) -> Iterator[Piece]:
    yield tokens.take()
    yield tokens.spaces()
    index = 0
    while tokens.next not in ("]", "}"):
        if isinstance(value, dict):
            raw = tokens.take()
            key: str | int = json.loads(raw)
            yield raw + tokens.spaces() + tokens.take()
        else:
            key = index
        index += 1
        yield from _value_pieces(tokens, value[key], (*path, key), opens)
        if tokens.next == ",":
            yield tokens.take() + tokens.spaces()
    yield tokens.take()


def _scalar_pieces(
    raw: str, value: Any, path: Path, opens: Callable[[str], bool]
) -> Iterator[Piece]:
    if isinstance(value, str) and path and opens(str(path[-1])) and value.startswith("{"):
        yield from _nested_pieces(raw, value, path)
    else:
        yield Scalar(path, _kind(raw, value), raw)


def _nested_pieces(raw: str, value: str, path: Path) -> Iterator[Piece]:
    """The pieces of a text's own document, as they are written in the text."""
    written = _CHARACTER.findall(raw[1:-1])  # one item a character of the value
    position = 0
    yield '"'
    for piece in split_json(value, lambda _key: False):
        inner = piece if isinstance(piece, str) else piece.raw
        end = position + len(inner)
        text = "".join(written[position:end])
        if isinstance(piece, str):
            yield text
        else:
            kind = _nested_kind(piece.kind, text)
            yield Scalar((*path, INSIDE, *piece.path), kind, text, is_nested=True)
        position = end
    yield '"'


def _nested_kind(kind: Kind, written: str) -> Kind:
    """The kind of a nested value as it is written in the outer text."""
    if kind not in ("text", "escaped"):
        return kind
    if not written.startswith('\\"') or not written.endswith('\\"'):
        raise ValueError("the quotes of a nested text are written as other escape sequences")
    return "escaped" if "\\" in written[2:-2] else "text"


def _kind(raw: str, value: Any) -> Kind:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "escaped" if "\\" in raw else "text"
        case _:
            return "number"
