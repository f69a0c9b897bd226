"""Wording that the checks share."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 5


def listing(names: Sequence[str]) -> str:
    """Join the first few names, with the number of further ones.

    Example:
        >>> listing(["a", "b", "c", "d", "e", "f", "g"])
        'a, b, c, d, e and 2 more'
    """
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def count_of(number: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun.

    Example:
        >>> count_of(1, "row"), count_of(2, "row")
        ('1 row', '2 rows')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
