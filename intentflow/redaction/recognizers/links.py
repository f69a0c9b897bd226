"""URLs: scrubadub's matches, completed; user names with a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from intentflow.redaction.recognizers.spans import Span

_LINK = re.compile(r"(?:https?|s?ftps?|ssh|wss?|rdp|smb)://[^\s<>\"'（），；。]+", re.I)
_PASSWORD = re.compile(r"(?:password|pw|p)\s*[:=]", re.I)
# scrubadub's own pattern takes cubic time where many blanks follow "login".
_CREDENTIAL = re.compile(
    r"(?:username|login|u:)(?:\s*+:?\s*+[\w.@+-]{1,256}+|\s*+:)?\s++(?:password|pw|p:)\s*+:?\s*+.*",
    re.I,
)
_ENDINGS = ".,;:!?)]}'\""


def may_contain_url(text: str) -> bool:
    """A cheap test for the characters of a URL."""
    return "://" in text or "www." in text.lower()


def may_contain_credential(text: str) -> bool:
    """A cheap test for a password with a separator."""
    return (":" in text or "=" in text) and _PASSWORD.search(text) is not None


def find_urls(text: str) -> Iterator[Span]:
    """URLs with a host name or address, without trailing punctuation."""
    spans = [Span(match.start(), match.end(), "URL") for match in _LINK.finditer(text)]
    spans += [Span(filth.beg, filth.end, "URL") for filth in _url_detector().iter_filth(text)]
    for start, end, kind in spans:
        yield Span(start, start + len(text[start:end].rstrip(_ENDINGS)), kind)


def find_credentials(text: str) -> Iterator[Span]:
    """A user name followed by a password."""
    for match in _CREDENTIAL.finditer(text):
        if _PASSWORD.search(text, *match.span()):
            yield Span(*match.span(), "CREDENTIAL")


@cache
def _url_detector() -> Any:
    from scrubadub.detectors import catalogue

    return catalogue.detector_catalogue.get("url")(locale="en_US")
