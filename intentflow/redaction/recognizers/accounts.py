"""Numbers of bank accounts: they have no form of their own, so a word has to announce them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intentflow.redaction.recognizers.announcing import announcement, is_announced
from intentflow.redaction.recognizers.spans import Span

_UNIT = (
    r"\s?(?:dollars?|bucks|pounds?|euros?|cents?|usd|eur|gbp|idr|rmb|cny|rupiah|ribu|juta|元|块|塊"
    r"|美元|美金|人民币|万|萬|千|[%°$€£¥￥])"
)
_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9_])(?<!\d[.,])\d+(?:[ -]\d+){{0,5}}(?![A-Za-z0-9_]|[.,]\d|{_UNIT})", re.I
)
_DATE = re.compile(r"(?:19|20)\d\d[ -]\d{1,2}[ -]\d{1,2}|\d{1,2}[ -]\d{1,2}[ -](?:19|20)\d\d")
_ACCOUNT = r"(?<![a-z])(?:account|acct?\.?|a/c|rekening|rek\.?)(?![a-z])"
_BANK = (
    r"(?:\s+(?:bank|tujuan|tabungan|saya|di|bca|bni|bri|btn|bsi|mandiri|cimb|niaga|danamon|permata"
    r"|jago|ocbc|panin|mega)(?![a-z]))*"
)
_WORDS_FOR_A_NUMBER = announcement(
    rf"{_ACCOUNT}\s*(?:(?:numbers?|num|no|nr)(?![a-z])\.?|#)|(?<![a-z])norek(?![a-z]){_BANK}"
    rf"|(?<![a-z])(?:nomor|no)\.?\s*rek(?:ening)?(?![a-z]){_BANK}"
    r"|[账帐帳][号號]|[账帐帳][户戶]号?[码碼]?號?"
)
_WORDS_FOR_AN_ACCOUNT = announcement(_ACCOUNT + _BANK)
_LEAST_DIGITS = 6
_LEAST_DIGITS_BEHIND_AN_ACCOUNT = 8  # fewer may be an amount
_MOST_DIGITS = 24


def find_account_numbers(text: str) -> Iterator[Span]:
    """Numbers behind words such as "account number", whatever else their form may be."""
    return _find(_WORDS_FOR_A_NUMBER, _LEAST_DIGITS, text)


def find_accounts(text: str) -> Iterator[Span]:
    """Long numbers behind "account" alone; a telephone number may stand there as well."""
    return _find(_WORDS_FOR_AN_ACCOUNT, _LEAST_DIGITS_BEHIND_AN_ACCOUNT, text)


def _find(words: re.Pattern[str], least_digits: int, text: str) -> Iterator[Span]:
    for match in _NUMBER.finditer(text):
        digits = sum(map(str.isdigit, match[0]))
        if not least_digits <= digits <= _MOST_DIGITS or _DATE.fullmatch(match[0]):
            continue
        if is_announced(words, text, match.start()):
            yield Span(match.start(), match.end(), "ACCOUNT_NUMBER")
