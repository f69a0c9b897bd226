"""Telephone numbers, by the library phonenumbers, with guards against dates, amounts and orders.

A number is looked for wherever groups of digits follow one another. Its form has to be one in
which numbers are written: ``+`` or ``00`` and a country, a leading 0, a mobile number's digits.
Behind a word such as "call" any form will do. The library then says whether it is a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from intentflow.curate.detect.announcing import announcement, is_announced
from intentflow.curate.detect.spans import Span

LOCAL_REGIONS = ("US", "CN", "TW", "ID", "GB", "DE", "IN", "HK", "SG", "MY", "JP", "FR", "AU")
"""Where a number written without a country may be from."""

_RUN = re.compile(r"(?:\(?\+ ?\(?|\()?\d(?:[ .()/-]{0,3}\d)*")
_GROUP = re.compile(r"\d+")
_DIGITS = range(7, 16)
_MOST_GROUPS = 16
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[ ./-]\d{1,2}[ ./-]\d{1,2}"
    r"|\d{1,2}[ ./-]\d{1,2}[ ./-](?:19|20)\d\d)(?!\d)"
)
_STAMP = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
_EXTENSION = re.compile(r"(?:\s?(?:ext\.?|x|转|轉|分机|分機)\s?|-)\d{1,5}(?![\d-])", re.I)

_CHINESE_MOBILE = re.compile(r"1[3-9]\d{9}")
_AMERICAN = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}")
_CHINESE_SERVICE = re.compile(r"[48]00\d{7}")
_INDIAN = re.compile(r"[6-9]\d{9}")
_MOBILE_WITH_COUNTRY = re.compile(
    r"861[3-9]\d{9}|8869\d{8}|628\d{8,11}|91[6-9]\d{9}|447\d{9}|491[5-7]\d{8,9}"
)
_SUBSCRIBER = re.compile(r"[2-9]\d{6,7}")
_GERMAN_MOBILE = re.compile(r"01[5-7]\d{8,9}")

_AMERICAN_GROUPS = {(10,), (3, 3, 4), (3, 7), (6, 4), (11,), (1, 10), (1, 3, 3, 4), (1, 3, 7)}
_INDIAN_GROUPS = {(10,), (5, 5), (4, 6), (3, 3, 4), (4, 3, 3)}
_SUBSCRIBER_GROUPS = {(7,), (8,), (3, 4), (4, 4)}

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
_LETTER_BEFORE = re.compile(r"[A-Za-z_]$")
_AMOUNT_BEHIND = re.compile(
    r"\s?(?:[A-Za-z_%°]|元|块|塊|美元|美金|人民币|万|萬|千|rb\b|ribu\b|dollars?\b|euros?\b|usd\b)"
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Neighbouring groups of digits that may be one number."""

    text: str
    start: int
    end: int
    groups: tuple[int, ...]
    digits: str
    has_plus: bool

    @property
    def is_plain(self) -> bool:
        """Whether it is written in one group or digit by digit."""
        return len(self.groups) == 1 or set(self.groups) == {1}


def find_phones(text: str) -> Iterator[Span]:
    """Telephone numbers with their extensions, wherever their country is."""
    for run in _RUN.finditer(text):
        groups = [match.span() for match in _GROUP.finditer(text, *run.span())]
        first = 0
        while first < len(groups):
            last = _phone_end(text, run.start(), groups, first)
            if last is not None:
                start = _prefix_start(text, run.start(), groups, first)
                yield Span(start, _with_extension(text, groups[last][1]), "PHONE")
            first = first + 1 if last is None else last + 1


def _phone_end(text: str, start: int, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of the longest number that begins with a group; None if none does."""
    lengths = [end - begin for begin, end in groups[first : first + _MOST_GROUPS]]
    for count in range(len(lengths), 0, -1):
        if sum(lengths[:count]) not in _DIGITS:
            continue
        last = first + count - 1
        if _stands_apart(text, groups, first, last) and _is_phone(
            _candidate(text, start, groups, first, last)
        ):
            return last
    return None


def _stands_apart(text: str, groups: list[tuple[int, int]], first: int, last: int) -> bool:
    """Whether a blank or a bracket parts the groups from others of the run."""
    before = text[groups[first - 1][1] : groups[first][0]] if first else " "
    behind = text[groups[last][1] : groups[last + 1][0]] if last + 1 < len(groups) else " "
    is_extension = _EXTENSION.match(text, groups[last][1]) is not None
    return bool(set(before) & set(" (/")) and (bool(set(behind) & set(" )/")) or is_extension)


def _prefix_start(text: str, start: int, groups: list[tuple[int, int]], first: int) -> int:
    """Where a number's ``+`` or bracket stands, if it has one; a lone bracket is not its own."""
    floor = groups[first - 1][1] if first else start
    prefix = text[floor : groups[first][0]]
    begin = min((prefix.find(sign) for sign in "+(" if sign in prefix), default=len(prefix))
    return floor + begin


def _candidate(
    text: str, start: int, groups: list[tuple[int, int]], first: int, last: int
) -> _Candidate:
    begin = _prefix_start(text, start, groups, first)
    chosen = groups[first : last + 1]
    return _Candidate(
        text,
        begin,
        groups[last][1],
        tuple(high - low for low, high in chosen),
        "".join(text[low:high] for low, high in chosen),
        "+" in text[begin : groups[first][0]],
    )


def _with_extension(text: str, end: int) -> int:
    match = _EXTENSION.match(text, end)
    return match.end() if match else end


def _is_phone(found: _Candidate) -> bool:
    if found.has_plus:
        return _is_valid(f"+{found.digits}", None)
    for prefix in ("00", "011"):
        if found.digits.startswith(prefix) and _is_valid(f"+{found.digits[len(prefix) :]}", None):
            return True
    if not _has_room(found) or _DATE.search(found.text, found.start, found.end):
        return False
    if is_announced(_PHONE_WORDS, found.text, found.start):
        return _is_announced_phone(found)
    if is_announced(_OTHER_WORDS, found.text, found.start):
        return False
    return any(_is_valid(found.digits, region) for region in _regions(found))


def _has_room(found: _Candidate) -> bool:
    """Whether no letter, decimal point or unit next to it says that it is something else."""
    before = found.text[max(0, found.start - 12) : found.start]
    if _LETTER_BEFORE.search(before) and not _GLUED_WORD.search(before):
        return False
    if re.search(r"\d[.:]$", before) or found.text[found.end : found.end + 1] == "_":
        return False
    behind = found.text[found.end : found.end + 8]
    return _EXTENSION.match(behind) is not None or not _is_unit(behind)


def _is_unit(behind: str) -> bool:
    match = _AMOUNT_BEHIND.match(behind)
    return match is not None and (behind[0] != " " or not match[0].strip().isascii())


def _is_announced_phone(found: _Candidate) -> bool:
    if _STAMP.match(found.digits) and len(found.groups) == 1:
        return False
    if _SUBSCRIBER.fullmatch(found.digits) and found.groups in _SUBSCRIBER_GROUPS:
        return True
    country = f"+{found.digits}"
    return any(_is_valid(found.digits, region) for region in LOCAL_REGIONS) or bool(
        _MOBILE_WITH_COUNTRY.fullmatch(found.digits) and _is_valid(country, None)
    )


def _regions(found: _Candidate) -> tuple[str, ...]:
    """The regions in which a number of this form may be dialled; none for most numbers."""
    digits = found.digits
    if _CHINESE_MOBILE.fullmatch(digits) and (found.is_plain or min(found.groups) >= 3):
        return ("CN",)
    if _MOBILE_WITH_COUNTRY.fullmatch(digits) and (found.is_plain or found.groups[0] < 4):
        return ("CN", "TW", "ID", "IN", "GB", "DE")
    if digits[0] == "0":
        return _trunk_regions(found)
    if _STAMP.match(digits):
        return ()
    american = found.is_plain or found.groups in _AMERICAN_GROUPS
    indian = found.is_plain or found.groups in _INDIAN_GROUPS
    forms = (
        ("US", american and _AMERICAN.fullmatch(digits)),
        ("IN", indian and _INDIAN.fullmatch(digits)),
        ("CN", len(found.groups) == 3 and _CHINESE_SERVICE.fullmatch(digits)),
    )
    return tuple(region for region, fits in forms if fits)


def _trunk_regions(found: _Candidate) -> tuple[str, ...]:
    """For a leading 0: an area code of two digits stands in brackets or before a hyphen."""
    if len(found.digits) < 9:
        return ()
    if found.is_plain:
        plain = tuple(region for region in LOCAL_REGIONS if region != "DE")
        return (*plain, "DE") if _GERMAN_MOBILE.fullmatch(found.digits) else plain
    if min(found.groups) < 2:
        return ()
    if found.groups[0] > 2 or found.text[found.start] == "(":
        return LOCAL_REGIONS
    hyphen = found.text[found.start + found.groups[0]] == "-"
    return LOCAL_REGIONS if hyphen and found.groups[1] > 2 else ()


def _is_valid(digits: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(digits, region)))
    except phonenumbers.NumberParseException:
        return False
