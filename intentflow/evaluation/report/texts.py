"""Utterances and names as the page shows them: redacted and shortened."""

from __future__ import annotations

from functools import lru_cache

from intentflow.redaction.anonymizer import redact_text

_TEXT_CHARACTERS = 500
_NAME_CHARACTERS = 80


def text_for_page(text: str) -> str:
    """A text without personal data, shortened if it is long."""
    return cut_text(redact_text(text), _TEXT_CHARACTERS)


def is_cut(text: str) -> bool:
    """Whether the page shows the beginning of a text alone."""
    return len(redact_text(text)) > _TEXT_CHARACTERS


@lru_cache(maxsize=10_000)
def name_for_page(name: str) -> str:
    """An intent's name, redacted and shortened, because a model may predict any text."""
    return cut_text(redact_text(name), _NAME_CHARACTERS)


def cut_text(text: str, characters: int) -> str:
    """The beginning of a text, with the number of omitted characters."""
    left = len(text) - characters
    return f"{text[:characters]}… and {left:,} more characters" if left > 0 else text
