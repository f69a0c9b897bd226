"""Folding of digits, letters and blanks that look alike, so that each rule is written once."""

from __future__ import annotations

import unicodedata
from functools import cache

_FULL_WIDTH = "（）＋－．：＠／＃＊＿"
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"
_NO_WIDTH = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"  # noqa: E501


def fold(text: str) -> str:
    """Fold a text to ASCII digits, letters, blanks and hyphens; each character keeps its index.

    Telephones put direction marks around a copied number, and Chinese input methods write
    full-width digits.

    Example:
        >>> fold("１２３")
        '123'
    """
    return text if text.isascii() else text.translate(_table())


@cache
def _table() -> dict[int, str]:
    basic = [chr(code) for code in range(0x80, 0x10000)]
    table = {ord(c): str(unicodedata.decimal(c)) for c in basic if c.isdecimal()}
    table |= {code: chr(code - 0xFEE0) for code in range(0xFF21, 0xFF5B) if chr(code).isalpha()}
    table |= {ord(c): chr(ord(c) - 0xFEE0) for c in _FULL_WIDTH}
    table |= {ord(c): "-" for c in _HYPHENS}
    table |= {ord(c): " " for c in basic if c.isspace() or c in _NO_WIDTH}
    return table
