"""Wording shared by the checks."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 5


def listing(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def count_of(number: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun: ``1 row``, ``2 rows``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
