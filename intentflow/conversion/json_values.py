"""Parser of consecutive JSON values that tolerates broken text between them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO

from intentflow.conversion.limits import DEFAULT_LIMITS, SizeLimits

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,\]\ufeff]*")
_START = re.compile(r"[\s\ufeff]*\[?")
_MARGIN = 16  # characters; a literal or an escape cut in two is reported where it began
_NEXT_ROW = re.compile(r"\n\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class Value:
    """One JSON value of a text, or a part of it that is not JSON.

    Attributes:
        line: Line of its first character, from 1.
        raw: Text of the value.
        document: The parsed value; meaningless if there is a ``problem``.
        problem: ``not_json``, ``too_deep`` or ``truncated``; empty for a valid value.
    """

    line: int
    raw: str
    document: Any = None
    problem: str = ""


class _Found(NamedTuple):
    """A value, and the index up to which the text was read to find it."""

    value: Value
    end: int
    seen: int


def scan_values(text: str, first_line: int = 1) -> Iterator[Value]:
    r"""Parse the rows of an array, or consecutive values.

    A missing or trailing comma and a missing closing bracket are accepted. After unreadable text,
    parsing continues at the next line that begins with ``{``.

    Example:
        >>> [value.problem or value.document for value in scan_values('[{"a": 1} oops\n{"a": 2}]')]
        [{'a': 1}, 'not_json', {'a': 2}]
    """
    return (found.value for found in _scan(text, first_line, _START))


def read_values(
    stream: TextIO, window: int = 4 << 20, limits: SizeLimits = DEFAULT_LIMITS
) -> Iterator[Value]:
    """Parse like :func:`scan_values`, without loading the complete text.

    Args:
        stream: The text.
        window: Number of characters to read at a time; more if a value is longer.
        limits: The sizes allowed.

    Raises:
        LimitExceeded: A value is longer than allowed; it is not read to its end.
    """
    text, line, before = stream.read(window), 1, _START
    while more := stream.read(max(window, len(text))):
        done = 0
        for found in _scan(text, line, before):
            if found.seen + _MARGIN > len(text):  # may continue in the text that follows
                break
            limits.require_row(found.value.raw)
            yield found.value
            done = found.end
        if not done:
            limits.require_row(text)
        else:
            line, before = line + text.count("\n", 0, done), _BETWEEN
        text = text[done:] + more
    for found in _scan(text, line, before):
        limits.require_row(found.value.raw)
        yield found.value


def _scan(text: str, first_line: int, before: re.Pattern[str]) -> Iterator[_Found]:
    line, counted = first_line, 0
    position = _end_of(before, text, 0)
    while (position := _end_of(_BETWEEN, text, position)) < len(text):
        line += text.count("\n", counted, position)
        counted = position
        document, end, problem, seen = _decode(text, position)
        raw = text[position:end].rstrip()
        yield _Found(Value(line, raw, document, problem), end, seen)
        position = end


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _decode(text: str, position: int) -> tuple[Any, int, str, int]:
    """The value at a position: document, end, problem, and the index up to which was read."""
    try:
        document, end = _DECODER.raw_decode(text, position)
    except RecursionError:
        end = _next_row(text, position)
        return None, end, "too_deep", end
    except ValueError as error:  # not JSON, or a number of thousands of digits
        end = _next_row(text, position)
        if _breaks_off(error):
            return None, end, "truncated", len(text)
        return None, end, "not_json", max(end, getattr(error, "pos", end))
    return document, end, "", end


def _breaks_off(error: ValueError) -> bool:
    """Whether parsing failed because the text ended."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")


def _next_row(text: str, position: int) -> int:
    match = _NEXT_ROW.search(text, position)
    return match.start() if match else len(text)
