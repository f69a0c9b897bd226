"""Network addresses: IPv4, IPv6 and MAC."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from intentflow.redaction.recognizers.spans import Span

_IPV4 = re.compile(r"(?<![A-Za-z0-9_.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)(?![A-Za-z_])")
_WORD = re.compile(r"[0-9A-Za-z_:.]+")
_MAC = re.compile(
    r"(?<![A-Za-z0-9_:-])[0-9A-F]{2}(?:(:[0-9A-F]{2}){5}|(-[0-9A-F]{2}){5})(?![A-Za-z0-9_]|[:-]\w)"
    r"|(?<![A-Za-z0-9_.])[0-9A-F]{4}(?:\.[0-9A-F]{4}){2}(?![A-Za-z0-9_]|\.\w)",
    re.I,
)
_VERSION = re.compile(
    r"(?:\b(?:v|ver|version|release|firmware|build|section|versi)|版本号?|版本號?)[\s.:]*$", re.I
)
_IPV6_HEX_DIGITS = 5
_MIN_COLONS = 2


def may_contain_network_address(text: str) -> bool:
    """A cheap test for the separators of an address."""
    return text.count(":") > 1 or text.count(".") > 1 or text.count("-") > 4


def find_network_addresses(text: str) -> Iterator[Span]:
    """IP and MAC addresses, but not versions, times and dates, which have similar forms."""
    for match in _IPV4.finditer(text):
        if _is_ipv4(match[0]) and not _VERSION.search(text[: match.start()][-12:]):
            yield Span(match.start(), match.end(), "IP_ADDRESS")
    if ":" in text:
        yield from _find_ipv6(text)
    for match in _MAC.finditer(text):
        if ":" in match[0] or re.search("[A-F]", match[0], re.I):
            yield Span(match.start(), match.end(), "MAC_ADDRESS")


def _find_ipv6(text: str) -> Iterator[Span]:
    """IPv6 addresses, also after a word and a colon, as in ``host:2001:db8::1``."""
    for match in _WORD.finditer(text):
        if match[0].count(":") < _MIN_COLONS:
            continue
        word = match[0].rstrip(".")
        word = word if word.endswith("::") else word.rstrip(":")
        for offset in (0, word.find(":") + 1):
            if _is_ipv6(word[offset:]):
                yield Span(match.start() + offset, match.start() + len(word), "IP_ADDRESS")
                break


def _is_ipv4(text: str) -> bool:
    return all(int(part) < 256 for part in text.split("."))


def _is_ipv6(text: str) -> bool:
    """Whether this is a long enough address; ``a::b`` and ``::1`` are valid but identify nobody."""
    if sum(character != ":" for character in text) < _IPV6_HEX_DIGITS:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return any(character.isdigit() for character in text)
