"""Texts that no user utters: addresses, numbers, times, paths and codes."""

from __future__ import annotations

import re

_CHARACTERS = 500  # of a text that are looked at
_CODES = re.compile(
    r"\w+://\S+|www\.\S+|[^\s@]+@[^\s@]+\.\w+"  # addresses
    r"|[\d.,:/+TZ -]*\d[\d.,:/+TZ -]*"  # numbers, times
    r"|[/~\\]\S*|[A-Za-z]:\\\S*"  # paths
    r"|[!-~]*\d[!-~]*|[A-Za-z]+(?:[-_./:|][A-Za-z]+)+"  # codes
)


def is_non_linguistic(value: str) -> bool:
    """Whether a text is an address, a number, a time, a path or a code rather than words.

    Example:
        >>> [is_non_linguistic(it) for it in ("https://example.org/a", "row-17", "stop", "play it")]
        [True, True, False, False]
    """
    return bool(_CODES.fullmatch(value[:_CHARACTERS].strip()))
