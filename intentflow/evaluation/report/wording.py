"""Wording of numbers on the page."""

from __future__ import annotations

from intentflow.artifacts.scores import Scores
from intentflow.report import percent

__all__ = ["percent", "points", "short", "with_interval"]

_DIGEST_CHARACTERS = 64


def with_interval(scores: Scores, name: str) -> str:
    """A rate with its 95 % interval."""
    interval = scores.interval(name)
    text = percent(getattr(scores, name))
    if not interval:
        return text
    return f"{text} (95 % interval {percent(interval[0])} – {percent(interval[1])})"


def points(difference: float | None) -> str:
    """A difference of two rates in percentage points, with its sign; a dash for None."""
    return "–" if difference is None else f"{100 * difference:+.1f} points"


def short(value: object) -> str:
    """The abbreviated form of a digest; other values unchanged."""
    text = str(value)
    return text[:12] if len(text) == _DIGEST_CHARACTERS else text
