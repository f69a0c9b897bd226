"""Passwords, PINs and one-time codes after a context word; the word itself stays.

After a colon or an equals sign any text is the secret. After a bare word only text with a digit
is: "my password is not working" contains none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from intentflow.redaction.recognizers.spans import Span

_PASSWORD = (
    r"(?<![a-z])(?:pass ?words?|passwd|passphrase|passcode|pwd|pw|kata ?sandi|sandi)(?:nya)?"
    r"(?![a-z])|密[码碼]|口令"
)
_CODE = (
    r"(?<![a-z])(?:pin|otp|one[- ]time (?:pass)?codes?|verification code|kode verifikasi)(?:nya)?"
    r"(?![a-z])|(?:验证|驗證|校验|校驗)[码碼]"
)
_IS = (
    r"(?:\s*(?:(?<![a-z])(?:number|code|is|was|now|saya|kamu|anda|baru|lama|adalah|ini)(?![a-z])"
    r"|是|为|為))*"
)
_BECOMES = r"(?:\s*(?:(?<![a-z])(?:to|be|jadi|menjadi)(?![a-z])|[改换換设設]?[为為成]))*"
_OPENING = r"[\s\"'“‘「(]*"
_SET = re.compile(
    rf"(?:{_PASSWORD}|{_CODE}|(?<![a-z])pass(?=\s*[:=])){_IS}\s*[:=＝]{_OPENING}"
    r"([^\s\u2e80-\u9fff\uff00-\uffef]+|[^\s，。；！？、]+)",
    re.I,
)
_UNIT = (
    r"\s?(?:times?|x|attempts?|tries|years?|months?|weeks?|days?|hours?|minutes?|mins?|characters?"
    r"|chars|letters?|digits?|kali|hari|jam|menit|tahun|bulan|karakter|huruf)(?![a-z])"
    r"|\s?[位次个個天年月日]"
)
_BARE_PASSWORD = re.compile(
    rf"(?:{_PASSWORD}){_IS}{_BECOMES}{_OPENING}(?![:=：＝])(?=[!-~]{{0,128}}\d)([!-~]{{4,}})(?!{_UNIT})",
    re.I,
)
_BARE_CODE = re.compile(
    rf"(?:{_CODE}){_IS}{_OPENING}"
    rf"(\d{{4,8}}|\d{{3}}[ -]\d{{3}}|G-\d{{6}})(?![A-Za-z0-9_]|[ .,:/-]\d|{_UNIT})",
    re.I,
)
_HAS_WORD = re.compile(f"{_PASSWORD}|{_CODE}|(?<![a-z])pass(?=\\s*[:=])", re.I)
_FRAGMENTS = (
    "pass",
    "pwd",
    "pw",
    "sandi",
    "pin",
    "otp",
    "code",
    "kode",
    "密",
    "口令",
    "验",
    "驗",
    "校",
)
"""One of them is in each of the words; they are looked for sooner than a pattern."""

_ENDINGS = ".,;:?)]}'\"”’」"


def may_contain_password(text: str) -> bool:
    """A cheap test for a context word."""
    lowered = text.lower()
    return any(map(lowered.__contains__, _FRAGMENTS)) and _HAS_WORD.search(text) is not None


def find_passwords(text: str) -> Iterator[Span]:
    """The text after a word such as "password", without trailing punctuation."""
    for pattern in (_SET, _BARE_PASSWORD, _BARE_CODE):
        for match in pattern.finditer(text):
            secret = match[1].rstrip(_ENDINGS)
            if secret:
                yield Span(match.start(1), match.start(1) + len(secret), "CREDENTIAL")
