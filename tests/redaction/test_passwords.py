"""Passwords and codes that a word announces, and sentences about passwords."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.curation import redact_example, redact_text
from intentflow.records import Example
from intentflow.redaction.analyzer import find_personal_data


def _found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_personal_data(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password: hunter2", "hunter2"),
        ("password: correcthorse, thanks", "correcthorse"),
        ('the password = "swordfish".', "swordfish"),
        ("my password is: swordfish", "swordfish"),
        ("pass: swordfish", "swordfish"),
        ("my password is hunter2", "hunter2"),
        ("my password is hunter2.", "hunter2"),
        ("change my password to Hunter22 please", "Hunter22"),
        ("pwd=Abc12345", "Abc12345"),
        ("passwd hunter2!", "hunter2!"),
        ("密码：abc12345", "abc12345"),
        ("密码：芝麻开门，谢谢", "芝麻开门"),
        ("密码是abc12345谢谢", "abc12345"),
        ("登录密码为 abc12345", "abc12345"),
        ("密碼是ａｂｃ１２３４５", "ａｂｃ１２３４５"),
        ("密码改成abc12345", "abc12345"),
        ("kata sandi: rahasia123", "rahasia123"),
        ("kata sandi saya rahasia123", "rahasia123"),
        ("password: müller", "müller"),
    ],
)
def test_a_password_is_found_behind_its_word(text: str, value: str) -> None:
    assert _found(text) == [("CREDENTIAL", value)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("PIN 4821", "4821"),
        ("my pin number is 4821, ok", "4821"),
        ("my pin is 482156", "482156"),
        ("my pin is 4821", "4821"),
        ("pin is 0000, thanks", "0000"),
        ("the OTP is 4821", "4821"),
        ("pin saya 482156", "482156"),
        ("PIN: 1234", "1234"),
        ("验证码 482913", "482913"),
        ("验证码是482913谢谢", "482913"),
        ("OTP 482913", "482913"),
        ("kode OTP saya 482 913", "482 913"),
    ],
)
def test_a_code_is_found_behind_its_word(text: str, value: str) -> None:
    assert _found(text) == [("CREDENTIAL", value)]


@pytest.mark.parametrize(
    "text",
    [
        "my password is not working",
        "I forgot my password please help",
        "change the password now",
        "I typed my password 3 times",
        "I changed the password 2024 days ago",
        "the password is 8-16 characters",
        "密码是什么",
        "忘记密码怎么办",
        "密码是1234位",
        "lupa kata sandi saya",
        "pin 3 places on the map",
        "the otp was sent at 10:30",
        "spinning 4821",
        "password:",
        "password: {{CREDENTIAL}}",
    ],
)
def test_a_sentence_about_a_password_stays(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    ("instruction", "value"),
    [
        ("log in, password: Hunter2", "Hunter2"),
        ("my password is p@ss-w0rd", "p@ss-w0rd"),
        ("密码：芝麻开门", "芝麻开门"),
        ("PIN: 4821", "4821"),
        ("password: ****", "****"),
        ("password: ab", "ab"),
    ],
)
def test_a_password_is_replaced_in_its_parameter_too(instruction: str, value: str) -> None:
    row, _ = redact_example(Example(instruction, f'login("{value}")'))
    assert value not in row.instruction
    assert row.output == "login({{CREDENTIAL}})"


def test_the_word_that_announces_a_password_stays() -> None:
    row, kinds = redact_example(Example("my password is hunter2", "f()"))
    assert (row.instruction, kinds) == ("my password is {{CREDENTIAL}}", {"CREDENTIAL": 1})


def test_redacting_a_password_again_changes_nothing() -> None:
    once, _ = redact_example(Example("password: hunter2 pin 4821 b3ta", "f(hunter2)"))
    assert redact_example(once) == (once, {})


@pytest.mark.parametrize("piece", ["password ", "password is ", "pin:", "密码", "pwd=a"])
def test_many_words_take_no_more_than_seconds(piece: str) -> None:
    start = time.process_time()
    find_personal_data(piece * (4000 // len(piece)))
    assert time.process_time() - start < 5


PIECES = st.sampled_from(
    [
        "password",
        "pin ",
        "密码",
        "是",
        " is ",
        ":",
        "=",
        " ",
        "(",
        "a1b2",
        "4821",
        "account no ",
        "12345678",
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_redacting_any_announced_secrets_again_changes_nothing(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once
