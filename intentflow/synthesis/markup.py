"""What has no place in an utterance that a machine wrote: control tokens, links, hidden signs."""

from __future__ import annotations

import re
import unicodedata

# The marks by which the chat templates of common models tell who speaks, and markup of any kind.
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


def holds_markup(text: str) -> bool:
    """Whether a text holds what a chat template or a page could take for its own syntax."""
    return _MARKUP.search(text) is not None


def holds_link(text: str) -> bool:
    """Whether a text holds an address of the web, with or without its scheme."""
    return _LINK.search(text) is not None


def holds_hidden(text: str) -> bool:
    """Whether a text holds control characters or signs one cannot see.

    The two joiners are let through: Indic scripts, Persian and emoji need them.
    """
    return any(unicodedata.category(c) in _HIDDEN and c not in _JOINERS for c in text)


def placeholders(text: str) -> frozenset[str]:
    """The placeholders of redaction that a text holds, and whatever else looks like one."""
    return frozenset(_PLACEHOLDER.findall(text))
