"""Identity and tax numbers of more countries: the form as it is printed, proven by python-stdnum.

A form is searched for by one pattern, and the library decides by check digits and dates. Numbers
of nine or ten plain digits have no form of their own, and of those with one check digit every
tenth is right by chance: they need a word before them, see :mod:`.identity`. Singapore's check
letter is not in the library: weights 2 7 6 5 4 3 2, the sum modulo 11 gives the letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType

from intentflow.redaction.recognizers.context_words import UNIT, follows_amount, follows_other_code
from intentflow.redaction.recognizers.spans import Span

_BEFORE, _AFTER = r"(?<![A-Za-z0-9_./-])", r"(?![A-Za-z0-9_]|[./-]\d)"
_FORMS: dict[str, tuple[str, ...]] = {
    r"\d{3}\.\d{3}\.\d{3}-\d{2}": ("br.cpf",),
    r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}": ("br.cnpj",),
    r"\d{8}-?[A-Z]": ("es.dni",),
    r"[XYZ]-?\d{7}-?[A-Z]": ("es.nie",),
    r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]": ("it.codicefiscale",),
    r"[1-478] \d\d \d\d (?:\d\d|2[AB]) \d{3} \d{3} \d\d": ("fr.nir",),
    r"\d{6}-\d{2}-\d{4}": ("my.nric",),
    r"\d{6}-[1-8]\d{6}": ("kr.rrn",),
    r"(?:\d\d)?\d{6}[-+]\d{4}": ("se.personnummer", "dk.cpr", "is_.kennitala", "lv.pvn"),
    r"\d{6}-\d{5}": ("lv.pvn",),
    r"\d{6} \d{5}": ("no.fodselsnummer",),
    r"\d{6}[-+A-FU-Y]\d{3}[A-Z0-9]": ("fi.hetu",),
    r"\d{6}/\d{3,4}": ("cz.rc",),
    r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d": ("be.nn",),
    r"\d{8} ?\d ?[A-Z]{2}\d": ("pt.cc",),
    r"\d{7}[A-W][A-IW]?": ("ie.pps",),
    r"756\.\d{4}\.\d{4}\.\d{2}": ("ch.ssn",),
    r"\d{1,2}\.\d{3}\.\d{3}-[\dK]": ("cl.rut",),
    r"\d{7,8}-[\dK]": ("cl.rut",),
    r"\d{3}\.\d{3}\.\d{3}-\d": ("co.nit",),
    r"\d{2}-\d{8}-\d": ("ar.cuit",),
    r"\d{3}-\d{7}-\d": ("do.cedula",),
    r"\d{5}-\d{7}-\d": ("pk.cnic",),
    r"[VEJPG]-?\d{8}-?\d": ("ve.rif",),
    r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d": ("mx.curp",),
    r"[A-Z&]{4}-?\d{6}-?[A-Z0-9]{3}": ("mx.rfc",),
    r"[A-Z]{5}\d{4}[A-Z]": ("in_.pan",),
    r"[2-9]\d{3}([ -])\d{4}\1\d{4}": ("in_.aadhaar",),
    r"\d-\d{4}-\d{5}-\d\d-\d": ("th.pin",),
    r"[STFGM]\d{7}[A-Z]": ("sg.nric",),
    r"[1-79]\d{2}([ -])\d{3}\1\d{3}": ("ca.sin",),
    r"[AP]\d{9}[A-Z]": ("ke.pin",),
}
_PLAIN: dict[int, tuple[str, ...]] = {
    11: ("br.cpf", "pl.pesel", "tr.tckimlik", "de.idnr", "no.fodselsnummer", "be.nn", "ee.ik"),
    12: ("ru.inn", "in_.aadhaar"),
    13: ("ro.cnp", "za.idnr", "si.emso"),
    14: ("br.cnpj",),
    15: ("fr.nir",),
}
"""Numbers of plain digits, of which the library's checks let few through by chance."""

_HAS_FORM = re.compile(r"\d(?:[A-Za-z./ -]{0,2}\d){5}|[A-Z]{5}\d{4}[A-Z]")
_UNIT = re.compile(UNIT, re.I)
_DAY = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")
_DIGITS = re.compile(rf"{_BEFORE}\d{{{min(_PLAIN)},{max(_PLAIN)}}}{_AFTER}")
_NRIC_LETTERS = {"S": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "M": "KLJNPQRTUWX"}
_NRIC_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)
_NRIC_OFFSETS = {"T": ("S", 4), "G": ("F", 4), "S": ("S", 0), "F": ("F", 0), "M": ("M", 3)}


def find_national_numbers(text: str) -> Iterator[Span]:
    """Numbers with letters, or with the separators that their country prints them with."""
    if _HAS_FORM.search(text) is None:
        return
    for match in _written().finditer(text):
        if _is_counted(text, *match.span()):
            continue
        names = _names()[str(match.lastgroup)]
        if any(_is_valid(name, match[0]) for name in names):
            yield Span(match.start(), match.end(), "ID_NUMBER")


def find_plain_national_numbers(text: str) -> Iterator[Span]:
    """Numbers of eleven to fifteen plain digits."""
    for match in _DIGITS.finditer(text):
        number = match[0]
        if _DAY.match(number) or len(set(number)) < 3 or _is_counted(text, *match.span()):
            continue
        if any(_is_valid(name, number) for name in _PLAIN[len(number)]):
            yield Span(match.start(), match.end(), "ID_NUMBER")


def _is_counted(text: str, start: int, end: int) -> bool:
    """Whether the words around it make it an amount, or the code of something else."""
    is_amount = follows_amount(text, start) or _UNIT.match(text, end) is not None
    return is_amount or follows_other_code(text, start)


@cache
def _names() -> dict[str, tuple[str, ...]]:
    return {f"form{number}": names for number, names in enumerate(_FORMS.values())}


@cache
def _written() -> re.Pattern[str]:
    """One pattern for all forms; the name of the group that matched says which."""
    forms = []
    for group, form in zip(_names(), _FORMS, strict=True):
        separator = form.replace("([ -])", f"(?P<{group}_between>[ -])")
        forms.append(f"(?P<{group}>{separator.replace(chr(92) + '1', f'(?P={group}_between)')})")
    return re.compile(rf"{_BEFORE}(?:{'|'.join(forms)}){_AFTER}", re.I)


@cache
def _module(name: str) -> ModuleType:
    return import_module(f"stdnum.{name}")


def _is_valid(name: str, number: str) -> bool:
    if name == "kr.rrn":  # numbers since October 2020 have no check digit
        return _has_korean_date(number)
    if name == "in_.pan":  # the library knows fewer kinds of holders than forms are filled in with
        return number.isupper()
    if name == "sg.nric":
        return _is_nric(number.upper())
    return bool(_module(name).is_valid(number))


def _is_nric(number: str) -> bool:
    series, offset = _NRIC_OFFSETS[number[0]]
    total = sum(int(d) * w for d, w in zip(number[1:8], _NRIC_WEIGHTS, strict=True)) + offset
    remainder = total % 11
    return _NRIC_LETTERS[series][10 - remainder if series == "M" else remainder] == number[-1]


def _has_korean_date(number: str) -> bool:
    from stdnum.exceptions import ValidationError

    try:
        return bool(_module("kr.rrn").get_birth_date(number.replace("-", "")))
    except ValidationError:
        return False
