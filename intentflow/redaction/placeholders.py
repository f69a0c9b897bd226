"""Placeholders of one row, and the equality of a value's spellings."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable

from intentflow.redaction.recognizers.folding import fold

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_SPOKEN_AT = re.compile(r"\s+at\s+|\s?[\[(]at[\])]\s?")
_SPOKEN_DOT = re.compile(r"\s+dot\s+")
_MIN_PHONE_DIGITS = 7


class Placeholders:
    """Assigns placeholders within one row: equal values get the same one, others a new one.

    Args:
        taken: Placeholders that the row already contains; they are not reused.

    Attributes:
        kinds: Number of distinct values replaced, by kind.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:

        self._names: dict[tuple[str, str], str] = {}
        self._taken = set(taken)
        self.kinds: Counter[str] = Counter()

    def name(self, kind: str, secret: str) -> str:
        """The placeholder for a value: ``{{EMAIL}}``, and ``{{EMAIL_2}}`` for a second one."""
        key = _key(kind, secret)
        known = self._names.get((kind, key)) or (self._phone(key) if kind == "PHONE" else None)
        name = known or self._new_name(kind)
        self._names[kind, key] = name
        return name

    def _phone(self, key: str) -> str | None:
        """The placeholder of the same number with or without its country code."""
        for (kind, other), name in self._names.items():
            shorter, longer = sorted((key, other), key=len)
            if kind == "PHONE" and len(shorter) >= _MIN_PHONE_DIGITS and longer.endswith(shorter):
                return name
        return None

    def _new_name(self, kind: str) -> str:
        self.kinds[kind] += 1
        number = self.kinds[kind]
        name = f"{{{{{kind}}}}}" if number == 1 else f"{{{{{kind}_{number}}}}}"
        while name in self._taken:
            number += 1
            name = f"{{{{{kind}_{number}}}}}"
        self._taken.add(name)
        return name


def significant(text: str) -> str:
    """The letters and digits of a text, folded, without separators."""
    return _NOT_ALPHANUMERIC.sub("", fold(text)).casefold()


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
