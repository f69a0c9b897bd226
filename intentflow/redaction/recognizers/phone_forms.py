"""Forms of written telephone numbers, and the regions in which they can be dialled."""

from __future__ import annotations

import re
from dataclasses import dataclass

LOCAL_REGIONS = ("US", "CN", "TW", "ID", "GB", "DE", "IN", "HK", "SG", "MY", "JP", "FR", "AU")
"""Regions that a number written without a country code may be from."""

_CHINESE_MOBILE = re.compile(r"1[3-9]\d{9}")
_CHINESE_SERVICE = re.compile(r"[48]00\d{7}")
_AMERICAN = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}")
_INDIAN = re.compile(r"[6-9]\d{9}")
_GERMAN_MOBILE = re.compile(r"01[5-7]\d{8,9}")
_SUBSCRIBER = re.compile(r"[2-9]\d{6,7}")
_MOBILE_WITH_COUNTRY = re.compile(
    r"861[3-9]\d{9}|8869\d{8}|628\d{8,11}|91[6-9]\d{9}|447\d{9}|491[5-7]\d{8,9}"
)
_DAY = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")

_AMERICAN_GROUPS = {(10,), (3, 3, 4), (3, 7), (6, 4), (11,), (1, 10), (1, 3, 3, 4), (1, 3, 7)}
_INDIAN_GROUPS = {(10,), (5, 5), (4, 6), (3, 3, 4), (4, 3, 3)}
_SERVICE_GROUPS = {(3, 3, 4), (3, 4, 3), (4, 3, 3)}
_SUBSCRIBER_GROUPS = {(7,), (8,), (3, 4), (4, 4)}
_MIN_TRUNK_DIGITS = 9


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """A number as it is written in an utterance.

    Attributes:
        text: The utterance.
        start: Index of the first character: a digit, ``+`` or a bracket.
        end: Index after the last digit.
        groups: Number of digits in each group.
        digits: All digits.
    """

    text: str
    start: int
    end: int
    groups: tuple[int, ...]
    digits: str

    @property
    def is_plain(self) -> bool:
        """Whether the number is written in one group, or digit by digit."""
        return len(self.groups) == 1 or set(self.groups) == {1}

    @property
    def begins_with_date(self) -> bool:
        """Whether the number may be a date and an hour instead, in one group."""
        return len(self.groups) == 1 and _DAY.match(self.digits) is not None


def has_plus(found: WrittenNumber) -> bool:
    """Whether the number is written with ``+`` and a country code."""
    return "+" in found.text[found.start : found.start + 2]


def is_american_in_full(found: WrittenNumber) -> bool:
    """Whether hyphens, dots or brackets group the digits as in North American numbers."""
    if found.groups[-3:] != (3, 3, 4) or len(found.groups) > 4:
        return False
    written = found.text[found.start : found.end]
    digits = found.digits.removeprefix("00")
    return not written[-5].isspace() and _AMERICAN.fullmatch(digits) is not None


def numbers_with_country(found: WrittenNumber) -> list[str]:
    """The number with its country code, if written so: ``+…``, ``00…``, or a mobile number."""
    digits = found.digits
    if has_plus(found):
        return [f"+{digits}", f"+{digits.replace('0', '', 1)}"]  # the 0 of +49 (0)30 is not dialled
    numbers = [f"+{digits[len(prefix) :]}" for prefix in ("00", "011") if digits.startswith(prefix)]
    written = found.is_plain or found.groups[0] < 4
    if written and _MOBILE_WITH_COUNTRY.fullmatch(digits):
        numbers.append(f"+{digits}")
    return numbers


def is_subscriber_number(found: WrittenNumber) -> bool:
    """Whether the number is written like a local one, without an area code."""
    is_grouped = found.groups in _SUBSCRIBER_GROUPS
    return is_grouped and _SUBSCRIBER.fullmatch(found.digits) is not None


def regions_of_form(found: WrittenNumber) -> tuple[str, ...]:
    """The regions in which numbers are written in this form; none for most other numbers."""
    digits = found.digits
    if _CHINESE_MOBILE.fullmatch(digits) and (found.is_plain or min(found.groups) >= 3):
        return ("CN",)
    if digits[0] == "0":
        return _regions_with_trunk(found)
    if found.begins_with_date:
        return ()
    plain = set(found.groups) == {1}
    forms = (
        ("US", _AMERICAN, plain or found.groups in _AMERICAN_GROUPS),
        ("IN", _INDIAN, plain or found.groups in _INDIAN_GROUPS),
        ("CN", _CHINESE_SERVICE, found.groups in _SERVICE_GROUPS),
    )
    return tuple(region for region, form, fits in forms if fits and form.fullmatch(digits))


def _regions_with_trunk(found: WrittenNumber) -> tuple[str, ...]:
    """Regions for a leading 0: no short group follows an area code of two digits.

    Almost any number can be dialled in Germany, so there one group has to be a mobile number.
    """
    if len(found.digits) < _MIN_TRUNK_DIGITS:
        return ()
    if found.is_plain:
        german = _GERMAN_MOBILE.fullmatch(found.digits)
        return tuple(region for region in LOCAL_REGIONS if german or region != "DE")
    is_short = found.groups[0] < 3 and found.text[found.start] != "("
    return LOCAL_REGIONS if min(found.groups[1:]) >= (3 if is_short else 2) else ()
