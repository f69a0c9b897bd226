"""E-mail addresses, URLs and handles: scrubadub's matches, filtered and completed; credentials.

Measured on the public sets in English and Chinese, scrubadub 2.0.1 alone takes "eat at noon" for an
e-mail address and "my login password is not working" a credential, and misses an address between
Chinese characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from intentflow.redaction.recognizers.spans import Span

_ADDRESS = re.compile(
    r"(?<![A-Z0-9._%+-])[A-Z0-9._%+-]++(?:@|\s?[\[(]at[\])]\s?)[A-Z0-9-]+(?:\.[A-Z0-9-]+)*\.[A-Z]{2,24}",
    re.I | re.ASCII,
)
_SPOKEN_DOMAIN = re.compile(r"(?:\.|\sdot\s)(?:com|net|org|edu|gov|info|io|co|cn|id|uk|de)$", re.I)
_LINK = re.compile(r"(?:https?|s?ftps?|ssh|wss?|rdp|smb)://[^\s<>\"'（），；。]+", re.I)
_PASSWORD = re.compile(r"(?:password|pw|p)\s*[:=]", re.I)
# scrubadub's own pattern takes cubic time where many blanks follow "login".
_CREDENTIAL = re.compile(
    r"(?:username|login|u:)(?:\s*+:?\s*+[\w.@+-]{1,256}+|\s*+:)?\s++(?:password|pw|p:)\s*+:?\s*+.*",
    re.I,
)
_ENDINGS = ".,;:!?)]}'\""


def may_contain_email(text: str) -> bool:
    """A cheap test for the characters of an address."""
    lowered = text.lower()
    if "@" in text or "(at)" in lowered or "[at]" in lowered:
        return True
    return " at " in lowered and ("." in text or " dot " in lowered)


def may_contain_url(text: str) -> bool:
    """A cheap test for the characters of a URL."""
    return "://" in text or "www." in text.lower()


def may_contain_handle(text: str) -> bool:
    """A cheap test for the ``@`` of a handle."""
    return "@" in text


def may_contain_credential(text: str) -> bool:
    """A cheap test for a password with a separator."""
    return (":" in text or "=" in text) and _PASSWORD.search(text) is not None


def find_emails(text: str) -> Iterator[Span]:
    """E-mail addresses, written or spoken: ``jane at example dot com``."""
    for match in _ADDRESS.finditer(text):
        yield Span(match.start(), match.end(), "EMAIL")
    for span in _detect("email", text):
        if "@" in text[span.start : span.end] or _SPOKEN_DOMAIN.search(text[span.start : span.end]):
            yield span


def find_urls(text: str) -> Iterator[Span]:
    """URLs with a host name or address, without trailing punctuation."""
    spans = [Span(match.start(), match.end(), "URL") for match in _LINK.finditer(text)]
    for start, end, kind in [*spans, *_detect("url", text)]:
        yield Span(start, start + len(text[start:end].rstrip(_ENDINGS)), kind)


def find_handles(text: str) -> Iterator[Span]:
    """User names such as ``@jack``."""
    return _detect("twitter", text)


def find_credentials(text: str) -> Iterator[Span]:
    """A user name followed by a password."""
    for match in _CREDENTIAL.finditer(text):
        if _PASSWORD.search(text, *match.span()):
            yield Span(*match.span(), "CREDENTIAL")


@cache
def _detector(name: str) -> Any:
    from scrubadub.detectors import catalogue

    return catalogue.detector_catalogue.get(name)(locale="en_US")


def _detect(name: str, text: str) -> Iterator[Span]:
    for filth in _detector(name).iter_filth(text):
        yield Span(filth.beg, filth.end, name.upper())
