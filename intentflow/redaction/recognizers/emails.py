"""E-mail addresses: written in any script, masked as ``jane (at) example (dot) com``, or spoken.

A spoken ``at`` is most often a place: "shoes at zalando.com", "log in at bank dot com". So spoken
addresses need a word that introduces one, or the domain of a provider of mailboxes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from intentflow.redaction.recognizers.spans import Span

# Letters of scripts that separate words by blanks; between others no address begins or ends.
_LETTERS = (
    "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0588\u0591-\u05bd\u05d0-\u05ea"
    "\u0620-\u0669\u066e-\u06d3\u06d5-\u06ff\u0900-\u0963\u0966-\u0dff\u10a0-\u10ff\u1e00-\u1fff"
)
_PART = rf"{_LETTERS}0-9._%+-"
_ADDRESS = re.compile(
    rf"(?<![{_PART}])[{_PART}]++@[{_LETTERS}0-9-]+(?:\.[{_LETTERS}0-9-]+)*\.[{_LETTERS}]{{2,24}}"
)
_CJK = "\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e00-\u0e7f"
_CJK_LOCAL = re.compile(rf"[{_CJK}][{_CJK}A-Za-z0-9._%+-]{{0,19}}$")
_CJK_LEAD = re.compile(r".*[给給到至是为為箱址寄]")
_CJK_DOMAIN = re.compile(
    rf"@(?:[{_CJK}A-Za-z0-9-]{{1,63}}\.){{1,4}}"
    r"(?:[A-Za-z]{2,24}|中国|中國|公司|网络|網路|香港|台湾|台灣|在线|网站|商城|广告|集团|世界"
    r"|한국|닷컴|みんな|コム|ไทย)"
)
_AT_MARK = re.compile(r"\s?[\[({<]\s?at\s?[\])}>]\s?|\sat\s", re.I)
_DOT = r"(?:\.|\s?[\[({<]\s?dot\s?[\])}>]\s?|\sdot\s)"
_LOCAL = re.compile(rf"(?<![{_PART}])[{_PART}]++(?:{_DOT}[{_PART}]++){{0,4}}$", re.I)
_DOMAIN = re.compile(
    rf"(?=[{_LETTERS}0-9-]{{0,62}}[{_LETTERS}])[{_LETTERS}0-9-]{{1,63}}"
    rf"(?:{_DOT}[{_LETTERS}0-9-]{{1,63}}){{0,4}}?{_DOT}"
    rf"(?:(?:com|co|net|org|ac|gov|edu){_DOT}[A-Z]{{2}}|[{_LETTERS}]{{2,24}})(?![{_LETTERS}0-9-])",
    re.I,
)
_WRITTEN_DOT = re.compile(r"[^\s]\.[^\s]")
_PROVIDER = re.compile(
    r"(?:gmail|googlemail|yahoo|ymail|hotmail|outlook|live|icloud|me|aol|proton(?:mail)?|gmx|web"
    r"|yandex|mail|qq|163|126|sina|foxmail|naver|daum|rediffmail|zoho|fastmail)(?:\.|\sdot\s)",
    re.I,
)
_MAIL_WORDS = (
    r"(?:\be-?mails?(?: address(?:es)?)?\s?(?:is|are|was|to|for|:|=)"
    r"|(?:^|[,.;:!?]|\b(?:please|to|and|or|you|then|can|must))\s*e?-?mail"
    r"|\be?-?mail (?:it|this|that|them|me|us|him|her) (?:to|at)"
    r"|\bwrite (?:to|(?:me|us|him|her) (?:to|at))|\bcontact(?: (?:me|us|him|her) at)?"
    r"|\b(?:reach|answer) (?:me|us|him|her) (?:at|on)|\baddress(?: is|:)"
    r"|邮箱[是为：:]?|郵箱[是為：:]?)"
)
_BEFORE_WRITTEN = re.compile(rf"{_MAIL_WORDS}\s*$", re.I)
_BEFORE_SPOKEN = re.compile(rf"(?:{_MAIL_WORDS}|\b(?:note|to|from|cc|bcc|it's|is))\s*$", re.I)
_NO_LOCAL = frozenset(
    """
    a all am an and any are back be best better broken but buy by can cheap check checkout
    come did do done down eat find for from get go going good great have help here hi how i in
    is it its item items just live locked log login look lot me meet mine my new no not now of
    off on one online or order order orders out over paid password pay play please price
    prices products sale sales see shop shopping sign sold something stay still stock store
    that the them there these things this those to today tomorrow up us used was we what where
    with working you
    """.split()  # noqa: SIM905
)
_MAX_LOCAL = 64
_MAX_CJK_LOCAL = 20
_MAX_CONTEXT = 32


def may_contain_email(text: str) -> bool:
    """A cheap test for the characters of an address."""
    if "@" in text:
        return True
    if "at" not in text and "AT" not in text and "At" not in text:
        return False
    lowered = text.lower()
    return ("." in text or "dot" in lowered) and _AT_MARK.search(lowered) is not None


def find_emails(text: str) -> Iterator[Span]:
    """E-mail addresses, written, masked or spoken."""
    if "@" in text:
        yield from (Span(*match.span(), "EMAIL") for match in _ADDRESS.finditer(text))
        if not text.isascii():
            yield from _find_cjk(text)
    for mark in _AT_MARK.finditer(text):
        domain = _DOMAIN.match(text, mark.end())
        local = _LOCAL.search(text[max(0, mark.start() - _MAX_LOCAL) : mark.start()])
        if domain and local:
            start = max(0, mark.start() - _MAX_LOCAL) + local.start()
            if _is_masked(mark[0], domain[0]) or _is_spoken(text, start, local[0], domain[0]):
                yield Span(start, domain.end(), "EMAIL")


def _find_cjk(text: str) -> Iterator[Span]:
    """Addresses in scripts without blanks; words that lead to one are no part of it."""
    for match in _CJK_DOMAIN.finditer(text):
        local = _CJK_LOCAL.search(text[max(0, match.start() - _MAX_CJK_LOCAL) : match.start()])
        if local and (name := _CJK_LEAD.sub("", local[0])):
            yield Span(match.start() - len(name), match.end(), "EMAIL")


def _is_masked(mark: str, domain: str) -> bool:
    """Whether brackets mask the address, as nobody does for a place."""
    return not mark.strip().isalpha() or any(bracket in domain for bracket in "[({<")


def _is_spoken(text: str, start: int, local: str, domain: str) -> bool:
    last = local.split()[-1].lower()
    if last in _NO_LOCAL or not any(map(str.isalpha, domain.split()[0].split(".")[0])):
        return False
    before = text[max(0, start - _MAX_CONTEXT) : start]
    if _WRITTEN_DOT.search(domain):
        return bool(_PROVIDER.match(domain) or _BEFORE_WRITTEN.search(before))
    return bool(_PROVIDER.match(domain) or _BEFORE_SPOKEN.search(before))
