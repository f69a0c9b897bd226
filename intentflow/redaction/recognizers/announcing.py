"""Words that say what the number behind them is."""

from __future__ import annotations

import re

_FILLERS = (
    r"[\s:=#\"'(]"
    r"|\b(?:numbers?|num|no\.?|nr\.?|code|id|is|was|at|on|to|me|us|him|her|them|my|our|the|a|as"
    r"|nomor|nomornya|nya|adalah|saya|ke|di)(?![a-z])"
    r"|号码|號碼|号|號|码|碼|是|为|為|给|給|我|的"
)
_REACH_CHARACTERS = 48


def announcement(words: str) -> re.Pattern[str]:
    """A pattern for one of the words, with nothing but fillers between it and the end.

    Args:
        words: Alternatives of a regular expression; Latin ones say themselves where a word
            begins.
    """
    return re.compile(rf"(?:{words})(?:{_FILLERS})*$", re.IGNORECASE)


def is_announced(pattern: re.Pattern[str], text: str, position: int) -> bool:
    """Whether what :func:`announcement` describes ends at a position of the text."""
    return pattern.search(text[max(0, position - _REACH_CHARACTERS) : position]) is not None
