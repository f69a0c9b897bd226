"""Meaning of a label, so that answers are compared rather than their spelling."""

from __future__ import annotations

import re
from functools import lru_cache

from intentflow.calls import CallSyntaxError, parse_calls
from intentflow.conversion.fullwidth import normalise_syntax

_SEPARATOR = re.compile("[;；]")


def meaning(label: str, utterance: str = "") -> object:
    """A key that two labels share if they are the same calls.

    Blanks, the width of the syntax, the order of calls, and the parentheses of a class name make no
    difference, and values are compared like utterances.

    Args:
        label: The label, as written.
        utterance: The utterance, which decides on full-width commas between values.

    Example:
        >>> meaning("greet(); play( jazz )") == meaning("play（jazz）；greet")
        True
    """
    return _meaning(label, utterance)


def intents_in(label: str, utterance: str = "") -> tuple[str, ...]:
    """The distinct intents of a label in alphabetical order; the label itself if it has none.

    Args:
        label: The label, as written.
        utterance: The utterance, as for :func:`meaning`.

    Example:
        >>> intents_in("play（jazz）；greet")
        ('greet', 'play')
    """
    text = _repaired(label, utterance)
    try:
        return tuple(sorted({call.intent for call in parse_calls(text)})) or (text,)
    except CallSyntaxError:
        return (text,)


@lru_cache(maxsize=4096)
def _meaning(label: str, utterance: str) -> object:
    from intentflow.curation.dedup import label_key  # costs start-up time

    return label_key(_repaired(label, utterance))


def _repaired(label: str, utterance: str) -> str:
    """The label with ASCII syntax, its class names as calls."""
    text = normalise_syntax(label, utterance)
    if _parses(text):
        return text
    pieces = (piece.strip() for piece in _SEPARATOR.split(text))
    called = "; ".join(_as_call(piece, utterance) for piece in pieces if piece)
    return called if _parses(called) else text


def _as_call(text: str, utterance: str) -> str:
    return normalise_syntax(text, utterance) if text.endswith((")", "）")) else f"{text}()"


def _parses(text: str) -> bool:
    try:
        return bool(parse_calls(text))
    except CallSyntaxError:
        return False
