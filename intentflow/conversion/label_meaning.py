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


@lru_cache(maxsize=4096)
def _meaning(label: str, utterance: str) -> object:
    from intentflow.curation.dedup import label_key  # costs start-up time

    text = normalise_syntax(label, utterance)
    if not _parses(text):
        pieces = (piece.strip() for piece in _SEPARATOR.split(text))
        called = "; ".join(_as_call(piece, utterance) for piece in pieces if piece)
        text = called if _parses(called) else text
    return label_key(text)


def _as_call(text: str, utterance: str) -> str:
    return normalise_syntax(text, utterance) if text.endswith((")", "）")) else f"{text}()"


def _parses(text: str) -> bool:
    try:
        return bool(parse_calls(text))
    except CallSyntaxError:
        return False
