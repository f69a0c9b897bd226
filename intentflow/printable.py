"""Untrusted text made safe to print: nothing in it controls a terminal or ends a line."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

NO_VALUE = "–"
"""Shown for what is unknown, or has no meaning for the rows at hand."""

_LINE_ENDS = {"\u2028", "\u2029"}
_DIRECTIONS = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def printable(text: str, *, lines: bool = False) -> str:
    r"""Escape the control characters of a text.

    Terminal escapes, carriage returns that overwrite a line, and direction marks become visible;
    all readable text stays unchanged.

    Args:
        text: Any text.
        lines: Whether to keep line ends and tabs, for text of several lines.

    Example:
        >>> printable("passed\x1b[2K\nApproved-By: nobody")
        'passed\\x1b[2K\\nApproved-By: nobody'
    """
    kept = {"\n", "\t"} if lines else set()
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character in kept or not _is_control(character) else _escaped(character)
        for character in text
    )


def json_text(document: Any, indent: int | None = None) -> str:
    r"""A document as JSON that controls no terminal: control characters are JSON escapes.

    Args:
        document: Objects, lists, texts and numbers.
        indent: Blanks of a level; one line if None.

    Example:
        >>> json_text({"name": "\x9b2J"})
        '{"name": "\\u009b2J"}'
    """
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        f"\\u{ord(character):04x}" if character != "\n" and _is_control(character) else character
        for character in text
    )


def _is_control(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cc", "Cs") or character in _LINE_ENDS or character in _DIRECTIONS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
