"""Finding personal data in a text: scrubadub's detectors, and rules where they are weak."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from intentflow.redaction.recognizers.accounts import find_account_numbers, find_accounts
from intentflow.redaction.recognizers.cards import find_cards
from intentflow.redaction.recognizers.contacts import (
    find_addresses,
    find_credentials,
    find_handles,
    find_links,
    may_hold_address,
    may_hold_credential,
    may_hold_handle,
    may_hold_link,
)
from intentflow.redaction.recognizers.folding import fold
from intentflow.redaction.recognizers.identity import (
    find_announced_numbers,
    find_ibans,
    find_identity_numbers,
)
from intentflow.redaction.recognizers.machines import (
    find_machine_addresses,
    may_hold_machine_address,
)
from intentflow.redaction.recognizers.passwords import find_passwords, may_hold_password
from intentflow.redaction.recognizers.phones import find_phones
from intentflow.redaction.recognizers.plates import find_plates, may_hold_plate
from intentflow.redaction.recognizers.spans import Span, gaps, merge

__all__ = ["PLACEHOLDER", "Span", "find_personal_data"]

PLACEHOLDER = re.compile(r"\{\{[A-Z][A-Z_]*[A-Z](?:_\d+)?\}\}")
"""What stands for a value that was replaced."""

_DIGIT = re.compile(r"\d")
_LEAST_DIGITS = 4


def find_personal_data(text: str) -> list[Span]:
    """The stretches of personal data in a text, in order and apart from each other.

    Placeholders are not looked at. What lies between two finds is searched again by itself, as
    it will be when the redacted text is: redacting twice is redacting once.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    folded = fold(text)
    stretches = _between_placeholders(folded)
    found: list[Span] = []
    while stretches:
        start, end = stretches.pop()
        spans = [Span(start + a, start + b, kind) for a, b, kind in _search(folded[start:end])]
        if spans:
            found += spans
            stretches += gaps(spans, start, end)
    return sorted(found)


def _between_placeholders(text: str) -> list[tuple[int, int]]:
    if "{{" not in text:
        return [(0, len(text))]
    placeholders = [Span(*match.span(), "") for match in PLACEHOLDER.finditer(text)]
    return list(gaps(placeholders, 0, len(text)))


def _search(text: str) -> list[Span]:
    found = [span for hint, find in _FINDERS if hint(text) for span in find(text)]
    return merge(found) if found else []


def _has_digits(text: str) -> bool:
    return len(_DIGIT.findall(text)) >= _LEAST_DIGITS


def _find_numbers(text: str) -> Iterator[Span]:
    """All that is made of digits; what check digits prove comes first."""
    for find in _NUMBER_FINDERS:
        yield from find(text)


_NUMBER_FINDERS = (
    find_identity_numbers,
    find_cards,
    find_ibans,
    find_announced_numbers,
    find_account_numbers,
    find_phones,
    find_accounts,
)
# A cheap look before each search: most utterances hold none of the signs.
_FINDERS: tuple[tuple[Callable[[str], bool], Callable[[str], Iterator[Span]]], ...] = (
    (may_hold_address, find_addresses),
    (may_hold_link, find_links),
    (may_hold_handle, find_handles),
    (may_hold_credential, find_credentials),
    (may_hold_machine_address, find_machine_addresses),
    (may_hold_plate, find_plates),
    (_has_digits, _find_numbers),
    (may_hold_password, find_passwords),
)
