"""Placeholders of one row, and the equality of a value's spellings."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable

from intentflow.redaction.recognizers.folding import fold

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_SPOKEN_AT = re.compile(r"\s+at\s+|\s?[\[({<]\s?at\s?[\])}>]\s?")
_SPOKEN_DOT = re.compile(r"\s+dot\s+|\s?[\[({<]\s?dot\s?[\])}>]\s?")
_MIN_PHONE_DIGITS = 7
_MAX_PHONE_CHARACTERS = 40


class Placeholders:
    """Assigns placeholders within one row: equal values get the same one, others a new one.

    Args:
        taken: Placeholders that the row already contains; they are not reused.

    Attributes:
        kinds: Number of distinct values replaced, by kind.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._written: dict[tuple[str, str], str] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._phones = _PhoneNames()
        self._taken = set(taken)
        self.kinds: Counter[str] = Counter()

    def name(self, kind: str, secret: str) -> str:
        """The placeholder for a value: ``{{EMAIL}}``, and ``{{EMAIL_2}}`` for a second one."""
        written = kind, secret
        if written not in self._written:
            self._written[written] = self._name(kind, _key(kind, secret))
        return self._written[written]

    def name_apart(self, kind: str, secret: str) -> str:
        """A placeholder that no other value has, for one that is named like another so far."""
        key = kind, f"\0{secret}"
        if key not in self._written:
            self._written[key] = self._new_name(kind)
        return self._written[key]

    def _name(self, kind: str, key: str) -> str:
        if kind != "PHONE":
            return self._names.get((kind, key)) or self._keep(kind, key, self._new_name(kind))
        name = self._phones.find(key) or self._new_name(kind)
        self._phones.add(key, name)
        return name

    def _keep(self, kind: str, key: str, name: str) -> str:
        self._names[kind, key] = name
        return name

    def _new_name(self, kind: str) -> str:
        self.kinds[kind] += 1
        number = self.kinds[kind]
        name = f"{{{{{kind}}}}}" if number == 1 else f"{{{{{kind}_{number}}}}}"
        while name in self._taken:
            number += 1
            name = f"{{{{{kind}_{number}}}}}"
        self._taken.add(name)
        return name


class _PhoneNames:
    """Placeholders of telephone numbers, the same with and without a country code."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, str]] = {}
        self._longer: dict[str, tuple[int, str]] = {}

    def find(self, key: str) -> str | None:
        """The placeholder of the first number that ends with this one, or with which it ends."""
        if exact := self._known.get(key):
            return exact[1]
        found = [self._longer.get(key), *map(self._known.get, _endings(key))]
        return min(filter(None, found), default=(0, None))[1]

    def add(self, key: str, name: str) -> None:
        """Keep the placeholder of a number."""
        if key in self._known:
            return
        entry = self._known[key] = len(self._known), name
        for ending in _endings(key):
            self._longer.setdefault(ending, entry)


def _endings(key: str) -> list[str]:
    """What a number may be without its country code."""
    first = max(len(key) - _MAX_PHONE_CHARACTERS, 1)
    return [key[start:] for start in range(first, len(key) - _MIN_PHONE_DIGITS + 1)]


def significant(text: str) -> str:
    """The letters and digits of a text, folded, without separators."""
    return _NOT_ALPHANUMERIC.sub("", fold(text)).casefold()


def normal_form(value: str) -> str:
    """Form that all spellings of one value have in common, whatever its kind.

    Example:
        >>> normal_form("jane at example dot com") == normal_form("Jane@example.com")
        True
    """
    address = _SPOKEN_DOT.sub(".", _SPOKEN_AT.sub("@", fold(value).casefold().strip()))
    return _canonical_ip(address) if ":" in address else significant(address).lstrip("0")


def _key(kind: str, secret: str) -> str:
    text = fold(secret).casefold().strip()
    if kind == "EMAIL":
        return _SPOKEN_DOT.sub(".", _SPOKEN_AT.sub("@", text))
    if kind == "PHONE":
        return significant(text).lstrip("0")
    if kind == "IP_ADDRESS":
        return _canonical_ip(text)
    return text if kind in ("URL", "TWITTER", "CREDENTIAL") else significant(text)


def _canonical_ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text
