"""Users' words as the page may show them: redacted, and not endless."""

from __future__ import annotations

from functools import lru_cache

from intentflow.redaction.anonymizer import redact_text

_TEXT_CHARACTERS = 500
_NAME_CHARACTERS = 80


def text_for_page(text: str) -> str:
    """A text without personal data, cut where it is long."""
    return cut_text(redact_text(text), _TEXT_CHARACTERS)


@lru_cache(maxsize=10_000)
def name_for_page(name: str) -> str:
    """An intent's name; a predicted one can be anything that a model wrote."""
    return cut_text(redact_text(name), _NAME_CHARACTERS)


def cut_text(text: str, characters: int) -> str:
    """The beginning of a text, saying how much is left out."""
    left = len(text) - characters
    return f"{text[:characters]}… and {left:,} more characters" if left > 0 else text
