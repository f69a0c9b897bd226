"""Spans of a text: the pieces that a value copied from it can consist of."""

from __future__ import annotations

import re

# A run of letters and digits; in scripts without blanks between words, a single character.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_PIECE = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+|\s+|[^\w\s]")


def text_pieces(text: str) -> list[str]:
    """Words, blanks and punctuation marks, which together are the text.

    Example:
        >>> text_pieces("Is it 3.5 km?")
        ['Is', ' ', 'it', ' ', '3', '.', '5', ' ', 'km', '?']
        >>> text_pieces("去杭州")
        ['去', '杭', '州']
    """
    return _PIECE.findall(text)


def is_span(value: str, text: str) -> bool:
    """Whether a value is a run of a text's pieces, letter by letter.

    Example:
        >>> is_span("New York", "to New York, please"), is_span("York", "to New Yorkshire")
        (True, False)
    """
    ends, length = {0}, 0
    for piece in text_pieces(text):
        length += len(piece)
        ends.add(length)
    start = text.find(value) if value else -1
    while start >= 0:
        if start in ends and start + len(value) in ends:
            return True
        start = text.find(value, start + 1)
    return False
