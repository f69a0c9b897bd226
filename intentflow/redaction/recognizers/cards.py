"""Payment card numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from intentflow.redaction.recognizers.context_words import (
    context_pattern,
    follows_other_code,
    has_context,
)
from intentflow.redaction.recognizers.spans import Span

# Blanks and hyphens separate groups of any length; dots and slashes those printed on cards.
_CARD = re.compile(
    r"(?:(?<![A-Za-z0-9_.-])|(?<=[Cc]ard)|(?<=[Vv]isa))(?:"
    r"[2-6]\d{3}([./])(?:\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{6}\1\d{4,5})"
    r"|(?:[2-6]\d{3}|1800)(?:[ -]?\d){8,40})(?![A-Za-z0-9_])"
)
_GROUP = re.compile(r"\d+")
_DIGIT = re.compile(r"\d")
_CARD_DIGITS = range(12, 20)
# Leading digits of a network, and the lengths of its numbers (the networks' own lists).
_NETWORKS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}|(?:30[0-5]|3[689]\d)\d{11}(?:\d{2,5})?"  # American Express, Diners
    r"|(?:35\d\d)\d{12}(?:\d{3})?|(?:2131|1800)\d{11}"  # JCB
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}(?:\d{3})?|62\d{14,17}"  # Discover, UnionPay
    r"|220[0-4]\d{12}"  # Mir
    r"|(?:50|5[6-9]|6\d)\d{10,17}"  # Maestro
)
_CARD_WORDS = context_pattern(
    r"(?<![a-z])(?:(?:credit|debit|bank|visa|master|maestro|amex)[ -]?)?(?:cards?|visa"
    r"|mastercard|maestro|amex|kartu)(?: ending)?(?![a-z])|卡[号號]?"
)
_VISA_OR_EAN = 13
_MIN_PROVEN_DIGITS = 13


def find_cards(text: str) -> Iterator[Span]:
    """Card numbers, also with other groups of digits, such as a date, before or after them."""
    position = 0
    while match := _CARD.search(text, position):
        groups = list(_GROUP.finditer(text, match.start(), match.end()))
        end = next((end for end in _ends(groups) if _is_card(text, match.start(), end)), None)
        if end is not None:
            yield Span(match.start(), end, "CREDIT_CARD")
        position = end or groups[0].end()


def _ends(groups: list[re.Match[str]]) -> list[int]:
    """Where a number of a card's length may end, the longest first."""
    lengths = accumulate(group.end() - group.start() for group in groups)
    pairs = zip(groups, lengths, strict=True)
    return [group.end() for group, length in pairs if length in _CARD_DIGITS][::-1]


def _is_card(text: str, start: int, end: int) -> bool:
    """Whether a network has such numbers, and the check digit of ISO/IEC 7812-1 is right.

    Numbers of 13 digits may be of articles, and every tenth of 12 digits is right by chance: those
    need a word before them.
    """
    from stdnum import ean, luhn

    digits = "".join(_DIGIT.findall(text[start:end]))
    if not (_NETWORKS.fullmatch(digits) and luhn.is_valid(digits)):
        return False
    if text[start:end].isdigit() and follows_other_code(text, start):
        return False
    is_weak = len(digits) < _MIN_PROVEN_DIGITS or (
        len(digits) == _VISA_OR_EAN and ean.is_valid(digits)
    )
    return not is_weak or has_context(_CARD_WORDS, text, start)
