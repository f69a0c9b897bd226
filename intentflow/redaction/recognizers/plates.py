"""Licence plates: Chinese ones by their form, others by a context word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intentflow.redaction.recognizers.context_words import context_pattern, has_context
from intentflow.redaction.recognizers.spans import Span

_PROVINCES = (
    "京津沪滬渝冀豫云雲辽遼黑湘皖鲁魯新苏蘇浙赣贛鄂桂甘晋晉蒙陕陝吉闽閩贵貴粤粵青藏川宁寧琼瓊"
)
_CHINESE = re.compile(
    rf"[{_PROVINCES}][A-Z][ ·•・.-]?"
    r"(?:[DF][A-HJ-NP-Z0-9]\d{4}|\d{5}[DF]|(?=[A-Z0-9]*\d)[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂掛学學警港澳])"
    r"(?![A-Za-z0-9])",
    re.I,
)
_WORD = (
    r"\b(?:number plates?|licen[cs]e plates?|plates?|registration|reg|vrm|nopol|plat(?: nomor)?"
    r"|nomor polisi|pelat(?: nomor)?|tnkb)(?![a-z])|车牌号?|車牌號?|牌照|车号|車號"
)
_HAS_WORD = re.compile(_WORD, re.I)
_PLATE_CONTEXT = context_pattern(_WORD)
_LATIN = re.compile(
    r"(?<![A-Za-z0-9_-])(?!(?:of|for|and|or|to|at|in|on|by|is|with|from|until|since|than)\b)(?:"
    r"[A-Z]{2}\d{2} ?[A-Z]{3}"  # UK
    r"|[A-Z]{1,2}[ -]?\d{1,4}[ -]?[A-Z]{1,3}"  # Indonesia
    r"|[A-Z]{2,4}[ -]?\d{3,4}|\d{3,4}[ -]?[A-Z]{2,3}"  # Taiwan, United States
    r"|\d[A-Z]{3}\d{3}"  # California
    r")(?![A-Za-z0-9_-])",
    re.I,
)
_ANY = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Z]{1,3}-[A-Z]{1,2}[ -]|(?:[ •·-]?[A-Z0-9]){5})(?=\D*\d\D?\d)"
    r"[A-Z0-9]{1,7}(?:[ •·-][A-Z0-9]{1,4}){0,3}(?![A-Za-z0-9_-])"
)
_MIN_CHARACTERS = 5


def may_contain_plate(text: str) -> bool:
    """A cheap test for a province or a word before a plate; texts have a digit."""
    return not text.isascii() or _HAS_WORD.search(text) is not None


def find_plates(text: str) -> Iterator[Span]:
    """Plates; in texts with a context word, those of known forms, and others right after it."""
    if not text.isascii():
        for match in _CHINESE.finditer(text):
            yield Span(match.start(), match.end(), "PLATE")
    if _HAS_WORD.search(text):
        yield from _find_announced(text)


def _find_announced(text: str) -> Iterator[Span]:
    is_upper = text.isupper()
    for match in _LATIN.finditer(text):
        if sum(map(str.isalnum, match[0])) < _MIN_CHARACTERS:
            continue
        if (match[0].isupper() and not is_upper) or has_context(
            _PLATE_CONTEXT, text, match.start()
        ):
            yield Span(match.start(), match.end(), "PLATE")
    for match in _ANY.finditer(text):
        if not is_upper and has_context(_PLATE_CONTEXT, text, match.start()):
            yield Span(match.start(), match.end(), "PLATE")
