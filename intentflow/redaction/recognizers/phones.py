"""Telephone numbers, by the library phonenumbers, with guards against dates, amounts and orders.

Candidates are runs of digit groups in one of the usual forms: ``+`` or ``00`` and a country code, a
leading 0, a mobile number's digits. After a context word such as "call" any form is a candidate.
The library then decides whether a candidate is a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from intentflow.redaction.recognizers.budget import LookupBudget
from intentflow.redaction.recognizers.context_words import (
    UNIT,
    context_pattern,
    follows_amount,
    follows_other_code,
    follows_other_number,
    has_context,
)
from intentflow.redaction.recognizers.phone_forms import (
    LOCAL_REGIONS,
    WrittenNumber,
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
_MAX_NATIONAL_DIGITS = 13
_MIN_NATIONAL_DIGITS = 9
_MAX_GROUPS = 16
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[ ./-]\d{1,2}[ ./-]\d{1,2}"
    r"|\d{1,2}[ ./-]\d{1,2}[ ./-](?:19|20)\d\d)(?!\d)"
)
_EXTENSION = re.compile(r"(?:\s?(?:ext\.?|x|转|轉|分机|分機)\s?|-)\d{1,5}(?![\d-])", re.I)
_PHONE_WORD = (
    r"(?<![a-z])(?:(?:tele)?phone|tel|cell(?:phone)?|mobile|fax|call|ring|dial|sms|whatsapp|wa|hp"
    r"|telp|telepon|telfon|handphone|hubungi)"
)
_PHONE_WORDS = context_pattern(
    _PHONE_WORD
    + r"(?![a-z])|电话|電話|手机|手機|座机|座機|传真|傳真|致电|致電|拨打|撥打|联系方式|聯絡"
)
_GLUED_WORD = re.compile(_PHONE_WORD + "$", re.I)
_PART_OF_ANOTHER = re.compile(r"(?:[A-Za-z_]|\d[.:])$")
_UNIT = re.compile(rf"[A-Za-z_]|{UNIT}", re.I)
_THOUSANDS = re.compile(r"\+?\d{1,3}(?:[ .]\d{3}){2,}")


class _Context(NamedTuple):
    """The context of a number.

    Attributes:
        has_phone_context: Whether the words before it introduce a telephone number.
        has_other_context: Whether they introduce another number, such as an order's.
        has_amount_context: Whether they introduce a price, a count or a code of plain digits.
        is_fragment: Whether it is a part of a longer word or number.
    """

    has_phone_context: bool
    has_other_context: bool
    has_amount_context: bool
    is_fragment: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive groups of digits.

    Attributes:
        text: The utterance.
        start: Index of the run's first character.
        groups: Start and end index of each group of digits.
    """

    text: str
    start: int
    groups: list[tuple[int, int]]

    def written(self, first: int, last: int) -> WrittenNumber:
        """The groups from first to last, inclusive, as one number."""
        chosen = self.groups[first : last + 1]
        return WrittenNumber(
            self.text,
            self.prefix_start(first),
            chosen[-1][1],
            tuple(end - begin for begin, end in chosen),
            "".join(self.text[begin:end] for begin, end in chosen),
        )

    def digits(self, first: int, last: int) -> int:
        """Number of digits in the groups from first to last, inclusive."""
        return sum(end - begin for begin, end in self.groups[first : last + 1])

    def is_followed_by_another(self, first: int, last: int) -> bool:
        """Whether these groups can be a number and the next ones another with a leading 0."""
        following = self.groups[last + 1 : last + 2]
        return (
            self.digits(first, last) >= _MIN_NATIONAL_DIGITS
            and self.digits(last + 1, last + _MIN_NATIONAL_DIGITS) >= _MIN_NATIONAL_DIGITS
            and self.text[following[0][0]] == "0"
        )

    def is_separated(self, first: int, last: int) -> bool:
        """Whether a blank, a bracket or a slash separates the groups from others of the run."""
        end = self.groups[last][1]
        before = self.text[self.groups[first - 1][1] : self.groups[first][0]] if first else " "
        is_last = last + 1 == len(self.groups)
        after = " " if is_last else self.text[end : self.groups[last + 1][0]]
        return not set(" (/").isdisjoint(before) and (
            not set(" )/").isdisjoint(after) or _EXTENSION.match(self.text, end) is not None
        )

    def prefix_start(self, first: int) -> int:
        """Index of the ``+`` or the bracket before a group; of the group if it has none."""
        floor = self.groups[first - 1][1] if first else self.start
        prefix = self.text[floor : self.groups[first][0]]
        signs = [prefix.find(sign) for sign in "+(" if sign in prefix]
        return floor + min(signs, default=len(prefix))


def find_phones(text: str, budget: LookupBudget) -> Iterator[Span]:
    """Telephone numbers of any country, with their extensions.

    Args:
        text: The folded text.
        budget: The tests that are left; after them, every run of seven digits is a number.
    """
    for match in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *match.span())]
        yield from _find_in_run(_Run(text, match.start(), groups), budget)


def _find_in_run(run: _Run, budget: LookupBudget) -> Iterator[Span]:
    first, count = 0, len(run.groups)
    while first < count and not budget.is_spent:
        last = _last_group(run, first, budget)
        if last is not None:
            yield _span(run.written(first, last))
        first = first + 1 if last is None else last + 1
    if first < count and run.digits(first, count - 1) >= _DIGITS.start:
        yield Span(run.prefix_start(first), run.groups[-1][1], "PHONE")


def _last_group(run: _Run, first: int, budget: LookupBudget) -> int | None:
    """The last group of the longest number that begins with a group; None if there is none.

    A shorter number is chosen if another with a leading 0 follows without a comma.
    """
    longest: int | None = None
    end = min(first + _MAX_GROUPS, len(run.groups))
    if run.digits(first, end - 1) < _DIGITS.start:
        return None
    budget.charge_group()
    context = _context(run.text, run.prefix_start(first))
    for last in range(end - 1, first - 1, -1):
        if longest is not None and not run.is_followed_by_another(first, last):
            continue
        if run.digits(first, last) not in _DIGITS or not run.is_separated(first, last):
            continue
        budget.charge_lookup()
        if _is_phone(run.written(first, last), context):
            longest = last
    return _mistyped(run, first, context) if longest is None else longest


def _mistyped(run: _Run, first: int, context: _Context) -> int | None:
    """The last group of a number with ``+`` that has a digit too few or too many."""
    if not has_plus(run.written(first, first)):
        return None
    for last in range(min(first + _MAX_GROUPS, len(run.groups)) - 1, first - 1, -1):
        if run.digits(first, last) not in _MISTYPED_DIGITS or not run.is_separated(first, last):
            continue
        return None if _is_amount(run.written(first, last), context) else last
    return None


def _context(text: str, start: int) -> _Context:
    before = text[max(0, start - 12) : start]
    return _Context(
        has_phone_context=has_context(_PHONE_WORDS, text, start),
        has_other_context=follows_other_number(text, start),
        has_amount_context=follows_amount(text, start) or follows_other_code(text, start),
        is_fragment=bool(_PART_OF_ANOTHER.search(before) and not _GLUED_WORD.search(before)),
    )


def _span(found: WrittenNumber) -> Span:
    """The span of the number with its extension, without an unclosed bracket."""
    start, text = found.start, found.text
    if text[start] == "(" and ")" not in text[start : found.end]:
        start += 1
    extension = _EXTENSION.match(text, found.end)
    return Span(start, extension.end() if extension else found.end, "PHONE")


def _is_phone(found: WrittenNumber, context: _Context) -> bool:
    numbers = numbers_with_country(found)
    if not context.has_phone_context and _is_amount(found, context):
        return False
    if has_plus(found):
        return any(map(_is_possible, numbers))
    if context.is_fragment or (context.has_other_context and not context.has_phone_context):
        return False
    if context.has_phone_context:
        return _is_unambiguous(found) and _is_number_to_call(found, numbers)
    if is_american_in_full(found):
        return _is_unambiguous(found)
    regions = regions_of_form(found)
    if not (numbers or regions) or not _is_unambiguous(found):
        return False
    return any(map(_is_valid, numbers)) or _is_valid_in(found, regions)


def _is_amount(found: WrittenNumber, context: _Context) -> bool:
    """Whether it is plain or written in thousands, and is round or counted by the words around."""
    in_thousands = _THOUSANDS.fullmatch(found.text, found.start, found.end) is not None
    if not in_thousands and (len(found.groups) > 1 or has_plus(found)):
        return False
    is_counted = context.has_amount_context or _UNIT.match(found.text, found.end) is not None
    return is_counted or (in_thousands and found.digits.endswith("000"))


def _is_number_to_call(found: WrittenNumber, numbers: list[str]) -> bool:
    """With phone context, local numbers are accepted, and those of all regions."""
    if any(map(_is_valid, numbers)):
        return True
    if found.begins_with_date:
        return False
    return is_subscriber_number(found) or _is_valid_in(found, LOCAL_REGIONS)


def _is_unambiguous(found: WrittenNumber) -> bool:
    """Whether it is not a date, and no letter or unit after it makes it something else."""
    if _DATE.search(found.text, found.start, found.end):
        return False
    if _EXTENSION.match(found.text, found.end):
        return True
    return _UNIT.match(found.text, found.end) is None


def _is_valid_in(found: WrittenNumber, regions: tuple[str, ...]) -> bool:
    if len(found.digits) > _MAX_NATIONAL_DIGITS:
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
