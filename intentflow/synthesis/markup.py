"""Detection of text that generated rows must not contain: markup, links, hidden characters."""

from __future__ import annotations

import re
import unicodedata

# Role markers of common models' chat templates, and all other markup.
_MARKUP = re.compile(
    r"<\s*[|｜/!]|[|｜]\s*>|<\s*[a-z][\w:-]*[^<>]*>|<<|>>|(?-i:\[/?[A-Z_]{4,}\])|"
    r"^\s*#{2,}\s|```|\{%|%\}",
    re.IGNORECASE | re.MULTILINE,
)
_LINK = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.|\b(?:javascript|data|mailto):|"
    r"(?<!@)\b[a-z0-9-]+\.(?:com|net|org|info|io|ai|app|dev|ly|me|ru|xyz|top|cn|id|tw|hk)\b",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{\{|\}\}")
_JOINERS = frozenset("\u200c\u200d")
_HIDDEN = frozenset({"Cc", "Cs", "Co", "Zl", "Zp", "Cf"})


def contains_markup(text: str) -> bool:
    """Whether a text contains syntax of chat templates or of web pages."""
    return _MARKUP.search(text) is not None


def contains_link(text: str) -> bool:
    """Whether a text contains a web address, with or without its scheme."""
    return _LINK.search(text) is not None


def contains_hidden(text: str) -> bool:
    """Whether a text contains control characters or invisible characters.

    The two joiners are allowed: Indic scripts, Persian and emoji need them.
    """
    return any(unicodedata.category(c) in _HIDDEN and c not in _JOINERS for c in text)


def placeholders(text: str) -> frozenset[str]:
    """The redaction placeholders in a text, and all text that looks like one."""
    return frozenset(_PLACEHOLDER.findall(text))
