"""Reading JSON values one after another, whatever lies broken between them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,\]\ufeff]*")
_START = re.compile(r"[\s\ufeff]*\[?")
_MARGIN = 16  # characters; a literal or an escape cut in two is reported where it began
_NEXT_ROW = re.compile(r"\n\s*(?=\{)")


@dataclass(frozen=True, slots=True)
class Value:
    """One JSON value of a text, or a stretch of it that is none.

    Attributes:
        line: Line on which it begins, from 1.
        raw: Its text.
        document: What it says; meaningless where there is a ``problem``.
        problem: ``not_json``, ``too_deep`` or ``truncated``; empty for a good value.
    """

    line: int
    raw: str
    document: Any = None
    problem: str = ""


class _Found(NamedTuple):
    """A value, and how far the text was looked at to find it."""

    value: Value
    end: int
    seen: int


def scan_values(text: str, first_line: int = 1) -> Iterator[Value]:
    """Read the rows of an array, or values written one after another.

    A missing or trailing comma, and a missing closing bracket, are forgiven. After something
    unreadable, reading goes on at the next line that begins with ``{``.
    """
    return (found.value for found in _scan(text, first_line, _START))


def read_values(stream: TextIO, window: int = 4 << 20) -> Iterator[Value]:
    """As :func:`scan_values`, without the whole text in memory.

    Args:
        stream: The text, read by ``window`` characters, or by more where a value is longer.
        window: Characters.
    """
    text, line, before = stream.read(window), 1, _START
    while more := stream.read(max(window, len(text))):
        done = 0
        for found in _scan(text, line, before):
            if found.seen + _MARGIN > len(text):  # may go on in what follows
                break
            yield found.value
            done = found.end
        if done:
            line, before = line + text.count("\n", 0, done), _BETWEEN
        text = text[done:] + more
    yield from (found.value for found in _scan(text, line, before))


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
    """What stands at a position: the document, its end, its problem, and what was looked at."""
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
    """Whether reading failed for want of more text."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")


def _next_row(text: str, position: int) -> int:
    match = _NEXT_ROW.search(text, position)
    return match.start() if match else len(text)
