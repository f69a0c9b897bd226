"""Identity numbers and IBANs, verified by their check digits if they have any.

python-stdnum knows the Chinese, Indonesian and American numbers and the IBAN; the Taiwanese
number's check digit is that of the Ministry of the Interior (letter as two digits, weights
1 9 8 7 6 5 4 3 2 1 1, sum divisible by 10), Hong Kong's that of the Immigration Department
(weights 9 8 7 6 5 4 3 2 1, sum divisible by 11).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator

from intentflow.redaction.recognizers.context_words import context_pattern, has_context
from intentflow.redaction.recognizers.spans import Span

_BEFORE, _AFTER = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"
_PRC = re.compile(rf"{_BEFORE}[1-9]\d{{5}}[ -]?(?:19|20)\d{{6}}[ -]?\d{{3}}[\dX]{_AFTER}", re.I)
_NIK = re.compile(rf"{_BEFORE}\d{{4}}([ .-]?)\d{{4}}\1\d{{4}}\1\d{{4}}{_AFTER}")
_TAIWAN = re.compile(rf"{_BEFORE}[A-Z][1289A-D]\d{{8}}{_AFTER}", re.I)
_HONG_KONG = re.compile(rf"{_BEFORE}[A-Z]{{1,2}}\d{{6}}\([0-9A]\)", re.I)
_SSN = re.compile(r"(?<![A-Za-z0-9_.-])(\d{3})([- .])(\d{2})\2(\d{4})(?!-?\w)", re.ASCII)
_NINO = re.compile(
    rf"{_BEFORE}(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    rf"(?: ?\d{{2}}){{3}} ?[A-D]{_AFTER}",
    re.I,
)
_IBAN = re.compile(rf"{_BEFORE}[A-Z]{{2}}\d{{2}}(?:[ .-]?[A-Z0-9]{{1,4}}){{3,8}}{_AFTER}", re.I)
_IBAN_SEPARATOR = re.compile(r"[ .-]")
_NUMBER_OF_ANY_FORM = re.compile(
    rf"{_BEFORE}(?=[A-Z]{{0,2}}\d(?:[ .-]?[A-Z]?\d){{4}})"
    rf"[A-Z0-9]{{1,18}}(?:[ .-]?\d{{2,8}}){{0,4}}[\dX]{_AFTER}",
    re.I,
)
_ID_WORDS = context_pattern(
    r"\b(?:passports?|paspor|id[ -]?cards?|identity (?:card|number)s?|national id|citizen id"
    r"|id numbers?|drivers?'?s? licen[cs]e|driving licen[cs]e|ktp|nik|nino|national insurance)"
    r"(?![a-z])"
    r"|\b(?:tax(?:payer)?|fiscal|national|identity|identification|social insurance|personal|citizen"
    r"|resident|medicare|nhs|tfn|tax file|aadhaar|aadhar|pan card|pan number|sin number|nric|mykad"
    r"|curp|cpf|cnpj|pesel|bsn|burgerservice|dni|nie|nif|cuit|cuil|rut|c[eé]dula|cnic|personnummer"
    r"|personnr|cpr|f[øo]dselsnummer|oib|cnp|egn|amka|ppsn?|ahv|avs|insee|steuer-?id|kimlik"
    r"|codice fiscale|cccd|cmnd|inn|itin|tin|fin number|my ?number card)"
    r"(?:[ -](?:id|number|no\.?|nummer|num))*(?![a-z])"
    r"|护照|護照|身份证|身份證|身分證|驾照|駕照|驾驶证|居留证|居留證"
)
_SSN_WORDS = context_pattern(r"\b(?:ssn|social security|social)(?![a-z])")
_NUMBER_WORDS = context_pattern(r"\b(?:my|her|his|their|your) (?:number|id|no\.?)(?![a-z])")
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # A is 10, B is 11, …
_UNUSED_AREAS = ("000", "666")


def find_identity_numbers(text: str) -> Iterator[Span]:
    """Identity, social security and insurance numbers, by form and check digits."""
    for pattern, is_valid in _PROVEN:
        for match in pattern.finditer(text):
            if is_valid(match[0]):
                yield Span(match.start(), match.end(), "ID_NUMBER")
    for match in _SSN.finditer(text):
        if _is_social_security(match, text):
            yield Span(match.start(), match.end(), "SOCIAL_SECURITY_NUMBER")


def find_identity_numbers_by_context(text: str) -> Iterator[Span]:
    """Numbers of any form after a context word such as "passport"; they may be mistyped."""
    for match in _NUMBER_OF_ANY_FORM.finditer(text):
        if has_context(_ID_WORDS, text, match.start()):
            yield Span(match.start(), match.end(), "ID_NUMBER")
        elif has_context(_SSN_WORDS, text, match.start()):
            yield Span(match.start(), match.end(), "SOCIAL_SECURITY_NUMBER")


def find_ibans(text: str) -> Iterator[Span]:
    """IBANs, also if the next word looks like a further group."""
    for match in _IBAN.finditer(text):
        end = match.end()
        while end > match.start() and not _is_iban(text[match.start() : end]):
            ends = [mark.start() for mark in _IBAN_SEPARATOR.finditer(text, match.start(), end)]
            end = max(ends, default=match.start())
        if end > match.start():
            yield Span(match.start(), end, "IBAN")


def _is_iban(text: str) -> bool:
    """Check by ISO 7064 MOD 97-10 and the country's form; its own check digits change."""
    from stdnum import iban

    return bool(iban.is_valid(_compact(text), check_country=False))


def _compact(text: str) -> str:
    return re.sub(r"[\s.()-]", "", text).upper()


def _is_prc_resident(text: str) -> bool:
    """Check by ISO 7064 MOD 11-2 and the birthday; lists of counties become outdated."""
    from stdnum.cn import ric

    number = _compact(text)
    return bool(ric.calc_check_digit(number) == number[-1]) and _is_date(number[6:14])


def _is_date(digits: str) -> bool:
    try:
        return 1900 <= datetime.datetime.strptime(digits, "%Y%m%d").year <= 2100
    except ValueError:
        return False


def _is_nik(text: str) -> bool:
    from stdnum.id import nik

    return bool(nik.is_valid(text))


def _is_taiwan_id(text: str) -> bool:
    number = text.upper()
    letter, second = _TAIWAN_LETTERS.index(number[0]) + 10, number[1]
    if second.isalpha():  # a resident certificate from before 2021
        second = str((_TAIWAN_LETTERS.index(second) + 10) % 10)
    digits = [letter // 10, letter % 10, int(second), *map(int, number[2:])]
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(d * w for d, w in zip(digits, weights, strict=True)) % 10 == 0


def _is_hong_kong_id(text: str) -> bool:
    number = _compact(text).rjust(9)
    values = [36 if c == " " else int(c, 36) for c in number]
    return sum(v * w for v, w in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


def _is_social_security(match: re.Match[str], text: str) -> bool:
    """Whether three groups of digits are one: others are as often amounts or dates.

    Without hyphens a word has to introduce the number; round groups are amounts.
    """
    if has_context(_SSN_WORDS, text, match.start()):
        return True
    area, separator, group, serial = match.groups()
    if area in _UNUSED_AREAS or group == "00" or serial == "0000":
        return False
    if separator == "-":
        return not all(part.endswith("0") for part in (area, group, serial))
    return has_context(_NUMBER_WORDS, text, match.start())


_PROVEN: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (_PRC, _is_prc_resident),
    (_NIK, _is_nik),
    (_TAIWAN, _is_taiwan_id),
    (_HONG_KONG, _is_hong_kong_id),
    (_NINO, lambda _: True),
)
