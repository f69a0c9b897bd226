"""Payment card numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

from intentflow.redaction.recognizers.spans import Span

_CARD = re.compile(r"(?<![\d.-])(?:[2-6]\d{3}|1800)(?:[ -]?\d){9,40}(?!\d)")
_GROUP = re.compile(r"\d+")
_DIGIT = re.compile(r"\d")
_CARD_DIGITS = range(13, 20)


def find_cards(text: str) -> Iterator[Span]:
    """Card numbers, also with other groups of digits, such as a date, before or after them."""
    position = 0
    while match := _CARD.search(text, position):
        groups = list(_GROUP.finditer(text, match.start(), match.end()))
        end = next((end for end in _ends(groups) if _is_card(text[match.start() : end])), None)
        if end is not None:
            yield Span(match.start(), end, "CREDIT_CARD")
        position = end or groups[0].end()


def _ends(groups: list[re.Match[str]]) -> list[int]:
    """Where a number of a card's length may end, the longest first."""
    lengths = accumulate(group.end() - group.start() for group in groups)
    pairs = zip(groups, lengths, strict=True)
    return [group.end() for group, length in pairs if length in _CARD_DIGITS][::-1]


def _is_card(text: str) -> bool:
    """Whether a number satisfies the check digit of ISO/IEC 7812-1."""
    digits = [int(digit) for digit in _DIGIT.findall(text)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
