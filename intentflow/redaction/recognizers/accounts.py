"""Bank account numbers; they have no distinctive form, so a context word has to precede them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intentflow.redaction.recognizers.context_words import UNIT, context_pattern, has_context
from intentflow.redaction.recognizers.spans import Span

_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9_])(?<!\d[.,])\d+(?:[ -]\d+){{0,5}}(?![A-Za-z0-9_]|[.,]\d|{UNIT})", re.I
)
_DATE = re.compile(r"(?:19|20)\d\d[ -]\d{1,2}[ -]\d{1,2}|\d{1,2}[ -]\d{1,2}[ -](?:19|20)\d\d")
_ACCOUNT = r"(?<![a-z])(?:account|acct?\.?|a/c|rekening|rek\.?)(?![a-z])"
_BANK = (
    r"(?:\s+(?:bank|tujuan|tabungan|saya|di|bca|bni|bri|btn|bsi|mandiri|cimb|niaga|danamon|permata"
    r"|jago|ocbc|panin|mega)(?![a-z]))*"
)
_ACCOUNT_NUMBER_CONTEXT = context_pattern(
    rf"{_ACCOUNT}\s*(?:(?:numbers?|num|no|nr)(?![a-z])\.?|#)|(?<![a-z])norek(?![a-z]){_BANK}"
    rf"|(?<![a-z])(?:nomor|no)\.?\s*rek(?:ening)?(?![a-z]){_BANK}"
    r"|[账帐帳][号號]|[账帐帳][户戶]号?[码碼]?號?"
)
_ACCOUNT_CONTEXT = context_pattern(rf"{_ACCOUNT}{_BANK}(?:\s+(?:of|for|with))?")
_MIN_DIGITS = 6
_MIN_DIGITS_AFTER_ACCOUNT = 8  # fewer may be an amount
_MAX_DIGITS = 24


def find_account_numbers(text: str) -> Iterator[Span]:
    """Numbers of any form after words such as "account number"."""
    return _find(_ACCOUNT_NUMBER_CONTEXT, _MIN_DIGITS, text)


def find_accounts(text: str) -> Iterator[Span]:
    """Long numbers after "account" alone, where a telephone number may occur as well."""
    return _find(_ACCOUNT_CONTEXT, _MIN_DIGITS_AFTER_ACCOUNT, text)


def _find(context: re.Pattern[str], min_digits: int, text: str) -> Iterator[Span]:
    for match in _NUMBER.finditer(text):
        digits = sum(map(str.isdigit, match[0]))
        if not min_digits <= digits <= _MAX_DIGITS or _DATE.fullmatch(match[0]):
            continue
        if has_context(context, text, match.start()):
            yield Span(match.start(), match.end(), "ACCOUNT_NUMBER")
