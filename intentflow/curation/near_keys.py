"""Texts as near-duplicates are compared: without case and punctuation; scripts without blanks."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from intentflow.curation.dedup import normalised_utterance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WIDE_RANGES = (
    (0x1100, 0x11FF),  # Hangul letters
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),
    (0x3040, 0x31FF),  # Kana, Bopomofo
    (0x3400, 0x9FFF),
    (0xAC00, 0xD7AF),  # Hangul syllables
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Scripts written without blanks, of which two characters are as informative as three of others."""

_WIDE = "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _WIDE_RANGES) + "]"
_ANY_WIDE = re.compile(_WIDE)
_AROUND_WIDE = re.compile(f"(?<={_WIDE}) | (?={_WIDE})")


def near_key(text: str) -> str:
    """The text without case, punctuation and redundant blanks.

    A text that consists of punctuation is its own key.
    """
    utterance = normalised_utterance(text)
    key = " ".join(utterance.translate(_PUNCTUATION).split())
    if _ANY_WIDE.search(key):
        key = _AROUND_WIDE.sub("", key)
    return key or utterance


def is_wide(character: str) -> bool:
    """Whether a character is Chinese, Japanese or Korean."""
    return _ANY_WIDE.match(character) is not None


@cache
def wide_table() -> NDArray[np.bool_]:
    """For each code point, whether it is in one of the wide ranges."""
    import numpy as np

    table = np.zeros(0x110000, bool)
    for first, last in _WIDE_RANGES:
        table[first : last + 1] = True
    return table


class _Punctuation(dict[int, str | None]):
    """A lazy translation table: apostrophes are deleted, other punctuation becomes a blank."""

    def __missing__(self, point: int) -> str | None:
        is_punctuation = unicodedata.category(chr(point)).startswith("P")
        self[point] = " " if is_punctuation else chr(point)
        return self[point]


_PUNCTUATION = _Punctuation({ord("'"): None, ord("\u2019"): None})
