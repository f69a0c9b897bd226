"""Telephone numbers, by the library phonenumbers, with guards against dates, amounts and orders.

A number is looked for wherever groups of digits follow one another. Its form has to be one in
which numbers are written: ``+`` or ``00`` and a country, a leading 0, a mobile number's digits.
Behind a word such as "call" any form will do. The library then says whether it is a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from intentflow.redaction.recognizers.announcing import announcement, is_announced
from intentflow.redaction.recognizers.phone_forms import (
    LOCAL_REGIONS,
    Written,
    has_plus,
    is_american_in_full,
    is_subscriber_number,
    numbers_with_country,
    regions_of_form,
)
from intentflow.redaction.recognizers.spans import Span

_RUN = re.compile(r"(?:\(?\+ ?\(?|\()?\d(?:[ .()/-]{0,3}\d)*")
_GROUP = re.compile(r"\d+")
_DIGITS = range(7, 18)
_MISTYPED_DIGITS = range(9, 14)
_MOST_NATIONAL_DIGITS = 13
_LEAST_NATIONAL_DIGITS = 9
_MOST_GROUPS = 16
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[ ./-]\d{1,2}[ ./-]\d{1,2}"
    r"|\d{1,2}[ ./-]\d{1,2}[ ./-](?:19|20)\d\d)(?!\d)"
)
_EXTENSION = re.compile(r"(?:\s?(?:ext\.?|x|转|轉|分机|分機)\s?|-)\d{1,5}(?![\d-])", re.I)
_PHONE_WORD = (
    r"(?<![a-z])(?:(?:tele)?phone|tel|cell(?:phone)?|mobile|fax|call|ring|dial|sms|whatsapp|wa|hp"
    r"|telp|telepon|telfon|handphone|hubungi)"
)
_PHONE_WORDS = announcement(
    _PHONE_WORD
    + r"(?![a-z])|电话|電話|手机|手機|座机|座機|传真|傳真|致电|致電|拨打|撥打|联系方式|聯絡"
)
_OTHER_WORDS = announcement(
    r"(?<![a-z])(?:orders?|tickets?|invoice|booking|reference|ref|tracking|isbn|sku|serial"
    r"|pesanan|resi|faktur|rp|idr|usd)(?![a-z])"
    r"|订单|訂單|单号|單號|编号|編號|发票|發票|快递|快遞|航班|[$€£¥￥#]"
)
_GLUED_WORD = re.compile(_PHONE_WORD + "$", re.I)
_PART_OF_ANOTHER = re.compile(r"(?:[A-Za-z_]|\d[.:])$")
_UNIT = re.compile(r"[A-Za-z_%°]|\s?(?:元|块|塊|美元|美金|人民币|万|萬|千)")


class _Context(NamedTuple):
    """What the words before a number say.

    Attributes:
        is_called: It is a number to call.
        is_other: It is another number, such as an order's.
        is_glued: It is a part of a longer word or number.
    """

    is_called: bool
    is_other: bool
    is_glued: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """Groups of digits that follow one another.

    Attributes:
        text: The utterance.
        start: Where the run begins.
        groups: Where each group of digits begins and ends.
    """

    text: str
    start: int
    groups: list[tuple[int, int]]

    def written(self, first: int, last: int) -> Written:
        """Neighbouring groups, the last one included, as one number."""
        chosen = self.groups[first : last + 1]
        return Written(
            self.text,
            self.prefix_start(first),
            chosen[-1][1],
            tuple(end - begin for begin, end in chosen),
            "".join(self.text[begin:end] for begin, end in chosen),
        )

    def digits(self, first: int, last: int) -> int:
        """Number of digits in neighbouring groups, the last one included."""
        return sum(end - begin for begin, end in self.groups[first : last + 1])

    def is_followed_by_another(self, first: int, last: int) -> bool:
        """Whether the groups are enough for a number, and those behind them for one with a 0."""
        behind = self.groups[last + 1 : last + 2]
        return (
            self.digits(first, last) >= _LEAST_NATIONAL_DIGITS
            and self.digits(last + 1, len(self.groups)) >= _LEAST_NATIONAL_DIGITS
            and self.text[behind[0][0]] == "0"
        )

    def stands_apart(self, first: int, last: int) -> bool:
        """Whether a blank, a bracket or a slash parts the groups from others of the run."""
        end = self.groups[last][1]
        before = self.text[self.groups[first - 1][1] : self.groups[first][0]] if first else " "
        is_last = last + 1 == len(self.groups)
        behind = " " if is_last else self.text[end : self.groups[last + 1][0]]
        return not set(" (/").isdisjoint(before) and (
            not set(" )/").isdisjoint(behind) or _EXTENSION.match(self.text, end) is not None
        )

    def prefix_start(self, first: int) -> int:
        """Where the ``+`` or the bracket of a group stands, if it has one."""
        floor = self.groups[first - 1][1] if first else self.start
        prefix = self.text[floor : self.groups[first][0]]
        signs = [prefix.find(sign) for sign in "+(" if sign in prefix]
        return floor + min(signs, default=len(prefix))


def find_phones(text: str) -> Iterator[Span]:
    """Telephone numbers with their extensions, wherever their country is."""
    for match in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *match.span())]
        run = _Run(text, match.start(), groups)
        first = 0
        while first < len(groups):
            last = _last_group(run, first)
            if last is not None:
                yield _span(run.written(first, last))
            first = first + 1 if last is None else last + 1


def _last_group(run: _Run, first: int) -> int | None:
    """The last group of the longest number that begins with a group; None if none does.

    A shorter one is meant where another number with a leading 0 follows without a comma.
    """
    longest: int | None = None
    end = min(first + _MOST_GROUPS, len(run.groups))
    if run.digits(first, end - 1) < _DIGITS.start:
        return None
    context = _context(run.text, run.prefix_start(first))
    for last in range(end - 1, first - 1, -1):
        if longest is not None and not run.is_followed_by_another(first, last):
            continue
        if run.digits(first, last) not in _DIGITS or not run.stands_apart(first, last):
            continue
        if _is_phone(run.written(first, last), context):
            longest = last
    return _mistyped(run, first) if longest is None else longest


def _mistyped(run: _Run, first: int) -> int | None:
    """The last group of what begins with ``+`` and has a digit too few or too many."""
    if not has_plus(run.written(first, first)):
        return None
    for last in range(min(first + _MOST_GROUPS, len(run.groups)) - 1, first - 1, -1):
        if run.digits(first, last) in _MISTYPED_DIGITS and run.stands_apart(first, last):
            return last
    return None


def _context(text: str, start: int) -> _Context:
    before = text[max(0, start - 12) : start]
    return _Context(
        is_called=is_announced(_PHONE_WORDS, text, start),
        is_other=is_announced(_OTHER_WORDS, text, start),
        is_glued=bool(_PART_OF_ANOTHER.search(before) and not _GLUED_WORD.search(before)),
    )


def _span(found: Written) -> Span:
    """The number with its extension; a bracket that is not closed in it is not its own."""
    start, text = found.start, found.text
    if text[start] == "(" and ")" not in text[start : found.end]:
        start += 1
    extension = _EXTENSION.match(text, found.end)
    return Span(start, extension.end() if extension else found.end, "PHONE")


def _is_phone(found: Written, context: _Context) -> bool:
    numbers = numbers_with_country(found)
    if has_plus(found):
        return any(map(_is_possible, numbers))
    if context.is_glued or (context.is_other and not context.is_called):
        return False
    if context.is_called:
        return _has_room(found) and _is_called_number(found, numbers)
    if is_american_in_full(found):
        return _has_room(found)
    regions = regions_of_form(found)
    if not (numbers or regions) or not _has_room(found):
        return False
    return any(map(_is_valid, numbers)) or _is_valid_in(found, regions)


def _is_called_number(found: Written, numbers: list[str]) -> bool:
    """Behind a word for a telephone numbers of one town will do, and of all regions."""
    if any(map(_is_valid, numbers)):
        return True
    if found.begins_with_a_day:
        return False
    return is_subscriber_number(found) or _is_valid_in(found, LOCAL_REGIONS)


def _has_room(found: Written) -> bool:
    """Whether it is no date, and no letter or unit behind it makes it something else."""
    if _DATE.search(found.text, found.start, found.end):
        return False
    if _EXTENSION.match(found.text, found.end):
        return True
    return _UNIT.match(found.text, found.end) is None


def _is_valid_in(found: Written, regions: tuple[str, ...]) -> bool:
    if len(found.digits) > _MOST_NATIONAL_DIGITS:
        return False
    return any(_is_valid(found.digits, region) for region in regions)


def _is_possible(number: str) -> bool:
    import phonenumbers

    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(number)))
    except phonenumbers.NumberParseException:
        return False


def _is_valid(digits: str, region: str | None = None) -> bool:
    import phonenumbers

    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(digits, region)))
    except phonenumbers.NumberParseException:
        return False
