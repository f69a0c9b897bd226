"""Context words: words that identify the number after them."""

from __future__ import annotations

import re

_FILLERS = (
    r"[\s:=#\"'(]"
    r"|\b(?:numbers?|num|no\.?|nr\.?|code|id|is|was|at|on|to|me|us|him|her|them|my|our|the|a|as"
    r"|nomor|nomornya|nya|adalah|saya|ke|di)(?![a-z])"
    r"|号码|號碼|号|號|码|碼|是|为|為|给|給|我|的"
)
_MAX_CONTEXT_CHARACTERS = 48


def context_pattern(words: str) -> re.Pattern[str]:
    """Compile a pattern for one of the words, followed only by fillers up to the end of a text.

    Args:
        words: Alternatives of a regular expression; Latin ones contain their own word boundaries.
    """
    return re.compile(rf"(?:{words})(?:{_FILLERS})*$", re.IGNORECASE)


def has_context(pattern: re.Pattern[str], text: str, position: int) -> bool:
    """Whether a match of a :func:`context_pattern` ends at a position of the text."""
    return pattern.search(text[max(0, position - _MAX_CONTEXT_CHARACTERS) : position]) is not None
