"""The work of redaction grows with the length of a row, whatever the row holds."""

from __future__ import annotations

import itertools
import string
import time

import pytest

from intentflow.records import Example
from intentflow.redaction.anonymizer import redact_example, redact_text

CHARACTERS = 10_000
LINEAR, SPARE_SECONDS = 8, 0.05
"""A quarter of a text may take no less than an eighth; a quadratic rule makes that a sixteenth."""

NAMES = ["".join(letters) for letters in itertools.product(string.ascii_lowercase, repeat=3)]


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    redact_text("call 202-456-1111, mail jane@example.com, login: jane password: x")
    redact_text("DE89 3704 0044 0532 0130 00, @jane http://example.com 3171011708450001")


def _seconds(instruction: str, output: str = "f()") -> float:
    """CPU time, which other work does not change."""
    started = time.process_time()
    redact_example(Example(instruction, output))
    return time.process_time() - started


def _is_linear(short: tuple[str, str], long: tuple[str, str]) -> bool:
    """Whether it is in one of three tries: a busy computer stretches CPU time, too."""
    return any(_seconds(*long) < LINEAR * _seconds(*short) + SPARE_SECONDS for _ in range(3))


def _filled(unit: str, characters: int) -> str:
    return (unit * characters)[:characters]


@pytest.mark.parametrize(
    "unit",
    [
        *("7", "@", ".", "-", " ", "a@", "1.", "+1 ", "(", "0f", "A", "::", "a:", '"', "'"),
        *("１", "一", "１ "),
        *("1 ", "0 0", "1/", "5 - ", "12 ", "1.2.3.", "(1)", "1-", "(1", "+49 ", "123-45-6789 "),
        *("4111 1111 1111 1111 ", "DE89 3704 0044 0532 0130 00 ", "DE89 AB1 ", "A1 "),
        *("@DE", "a@b.", "x@y ", "a at b dot c ", "http://", "http://www.", "a.b", "1:2::"),
        *("password ", "password is ", "pw!", "pw=", "密码", "login ", "login", "u: p: "),
        *(
            "(at)",
            "a (at) b (dot) c ",
            "a(dot)",
            "用@",
            "用@例.",
            "a at gmail.com ",
            "sk-a1",
            "ey1.ey1",
        ),
        *(
            "token a1",
            "secret_",
            "123.456.789-01 ",
            "44051401359 ",
            "-----BEGIN PRIVATE KEY-----",
            "4111.",
        ),
        *("AA:", "AA-BB-", "plate AB-12 ", "passport A1 ", "{{PHONE}} ", "{{PHONE_2}}", "1\u200b"),
        *("call 12345678 ", "account number 123456 ", "fe80::1 ", "2020-01-01 ", "\x00", "\n"),
    ],
)
def test_a_text_of_one_unit_takes_linear_time(unit: str) -> None:
    texts = _filled(unit, CHARACTERS // 4), _filled(unit, CHARACTERS)
    assert _is_linear(*((text, "f()") for text in texts))
    assert _is_linear(*(("hello", f"f({text})") for text in texts))


@pytest.mark.parametrize("begin", ["login", "password", "pass", "http://", "call ", "x@", "u:"])
@pytest.mark.parametrize("filler", [" ", "a", "a.b", "1", ":", "-"])
def test_a_word_before_much_of_one_kind_takes_linear_time(begin: str, filler: str) -> None:
    short, long = (begin + _filled(filler, n) + "_" for n in (CHARACTERS // 4, CHARACTERS - 20))
    assert _is_linear((short, "f()"), (long, "f()"))


@pytest.mark.parametrize("secret", ["{}@e.co", "@{}", "http://{}.com", "password: {}"])
@pytest.mark.parametrize("values", ["f({})", "f({}@e.co)", "f(@{})"])
def test_many_secrets_and_many_values_take_linear_time(secret: str, values: str) -> None:
    def row(count: int) -> tuple[str, str]:
        names = NAMES[:count]
        return " ".join(map(secret.format, names)), ";".join(map(values.format, names))

    assert _is_linear(row(400), row(1600))


@pytest.mark.parametrize(
    "form", ["({0:03})555-{1:04}", "+49 1512{0:03}{1:04}", "call 2{0:02}{1:04}"]
)
def test_many_telephone_numbers_take_linear_time(form: str) -> None:
    def row(count: int) -> tuple[str, str]:
        numbers = [form.format(200 + n % 800, 7 * n % 10_000) for n in range(count)]
        return ", ".join(numbers), ";".join(f"f({number})" for number in numbers)

    assert _is_linear(row(300), row(1200))


def test_numbers_beyond_the_budget_of_a_row_are_replaced_without_a_test() -> None:
    assert redact_text("1999 12 31 " * 1000 + "is it") == "{{PHONE}} {{PHONE_2}} is it"


def test_numbers_within_the_budget_of_a_row_are_tested() -> None:
    dates = "the party is on 1999 12 31, " * 20
    assert redact_text(dates) == dates
