"""Detection of personal data: the recognizers, each behind a cheap test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from intentflow.redaction.recognizers.accounts import find_account_numbers, find_accounts
from intentflow.redaction.recognizers.api_keys import find_api_keys, may_contain_api_key
from intentflow.redaction.recognizers.budget import LookupBudget
from intentflow.redaction.recognizers.cards import find_cards
from intentflow.redaction.recognizers.emails import find_emails, may_contain_email
from intentflow.redaction.recognizers.folding import fold
from intentflow.redaction.recognizers.handles import find_handles, may_contain_handle
from intentflow.redaction.recognizers.identity import (
    find_ibans,
    find_identity_numbers,
    find_identity_numbers_by_context,
)
from intentflow.redaction.recognizers.links import (
    find_credentials,
    find_urls,
    may_contain_credential,
    may_contain_url,
)
from intentflow.redaction.recognizers.national_numbers import (
    find_national_numbers,
    find_plain_national_numbers,
)
from intentflow.redaction.recognizers.network_addresses import (
    find_network_addresses,
    may_contain_network_address,
)
from intentflow.redaction.recognizers.passwords import find_passwords, may_contain_password
from intentflow.redaction.recognizers.phones import find_phones
from intentflow.redaction.recognizers.plates import find_plates, may_contain_plate
from intentflow.redaction.recognizers.spans import Span, gaps, merge

__all__ = ["PLACEHOLDER", "Span", "find_personal_data"]

PLACEHOLDER = re.compile(r"\{\{[A-Z][A-Z_]*[A-Z](?:_\d+)?\}\}")
"""The placeholder of a redacted value."""

_DIGIT = re.compile(r"\d")
_MIN_DIGITS = 4
_MAX_ROUNDS = 5
"""Rounds of search; rows of people need three at most."""


def find_personal_data(text: str, budget: LookupBudget | None = None) -> list[Span]:
    """The spans of personal data in a text, ordered and without overlaps.

    Placeholders are skipped. The text between two spans is searched again by itself, as it is when
    a redacted text is redacted again: redaction is idempotent.

    Args:
        text: Any text.
        budget: The work that is left for the row, if several texts belong to it.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.

    Example:
        >>> find_personal_data("mail jane@example.com")
        [Span(start=5, end=21, kind='EMAIL')]
    """
    folded, budget = fold(text), budget or LookupBudget()
    unsearched = _between_placeholders(folded)
    found: list[Span] = []
    for _ in range(_MAX_ROUNDS):
        searched = [(start, end, _search(folded[start:end], budget)) for start, end in unsearched]
        unsearched = []
        for start, end, local in searched:
            spans = [Span(start + a, start + b, kind) for a, b, kind in local]
            found += spans
            unsearched += gaps(spans, start, end) if spans else ()
        if not unsearched:
            break
    return sorted(found)


def _between_placeholders(text: str) -> list[tuple[int, int]]:
    if "{{" not in text:
        return [(0, len(text))]
    placeholders = [Span(*match.span(), "") for match in PLACEHOLDER.finditer(text)]
    return list(gaps(placeholders, 0, len(text)))


def _search(text: str, budget: LookupBudget) -> list[Span]:
    finders = _FINDERS if _DIGIT.search(text) else _FINDERS_WITHOUT_DIGITS
    found = [span for hint, find in finders if hint(text) for span in find(text, budget)]
    return merge(found) if found else []


def _has_digits(text: str) -> bool:
    return len(_DIGIT.findall(text)) >= _MIN_DIGITS


def _find_numbers(text: str, budget: LookupBudget) -> Iterator[Span]:
    """Spans made of digits; numbers proven by check digits come first."""
    for find in _NUMBERS_BEFORE_PHONES:
        yield from find(text)
    yield from find_phones(text, budget)
    yield from find_plain_national_numbers(text)
    yield from find_accounts(text)


_Find = Callable[[str], Iterator[Span]]


def _without_budget(find: _Find) -> Callable[[str, LookupBudget], Iterator[Span]]:
    return lambda text, _: find(text)


_NUMBERS_BEFORE_PHONES = (
    find_identity_numbers,
    find_national_numbers,
    find_cards,
    find_ibans,
    find_identity_numbers_by_context,
    find_account_numbers,
)
# A cheap test precedes each search: most utterances contain none of the characters it looks for.
_Finders = tuple[tuple[Callable[[str], bool], Callable[[str, LookupBudget], Iterator[Span]]], ...]
_FINDERS_WITHOUT_DIGITS: _Finders = (
    (may_contain_email, _without_budget(find_emails)),
    (may_contain_url, _without_budget(find_urls)),
    (may_contain_handle, _without_budget(find_handles)),
    (may_contain_credential, _without_budget(find_credentials)),
    (may_contain_network_address, _without_budget(find_network_addresses)),
    (may_contain_password, _without_budget(find_passwords)),
)
_FINDERS: _Finders = (
    *_FINDERS_WITHOUT_DIGITS[:-1],
    (may_contain_plate, _without_budget(find_plates)),
    (may_contain_api_key, _without_budget(find_api_keys)),
    (_has_digits, _find_numbers),
    *_FINDERS_WITHOUT_DIGITS[-1:],
)
