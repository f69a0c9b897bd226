"""Reading JSON values one after another, whatever lies broken between them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,\]\ufeff]*")
_START = re.compile(r"[\s\ufeff]*\[?")
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


def scan_values(text: str, first_line: int = 1) -> Iterator[Value]:
    """Read the rows of an array, or values written one after another.

    A missing or trailing comma, and a missing closing bracket, are forgiven. After something
    unreadable, reading goes on at the next line that begins with ``{``.
    """
    line, counted = first_line, 0
    position = _end_of(_START, text, 0)
    while (position := _end_of(_BETWEEN, text, position)) < len(text):
        line += text.count("\n", counted, position)
        counted = position
        document, end, problem = _decode(text, position)
        yield Value(line, text[position:end].rstrip(), document, problem)
        position = end


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _decode(text: str, position: int) -> tuple[Any, int, str]:
    try:
        document, end = _DECODER.raw_decode(text, position)
    except RecursionError:
        return None, _next_row(text, position), "too_deep"
    except ValueError as error:  # not JSON, or a number of thousands of digits
        problem = "truncated" if _breaks_off(error) else "not_json"
        return None, _next_row(text, position), problem
    return document, end, ""


def _breaks_off(error: ValueError) -> bool:
    """Whether reading failed for want of more text."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")


def _next_row(text: str, position: int) -> int:
    match = _NEXT_ROW.search(text, position)
    return match.start() if match else len(text)
