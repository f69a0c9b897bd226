"""Finding personal data."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.redaction.analyzer import find_personal_data


def _found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_personal_data(text)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("write to jane.doe@example.com please", "EMAIL", "jane.doe@example.com"),
        ("write to jane at example dot com please", "EMAIL", "jane at example dot com"),
        ("邮箱abc@qq.com谢谢", "EMAIL", "abc@qq.com"),
        ("call 415-858-6273 now", "PHONE", "415-858-6273"),
        ("call +44 7911 123456", "PHONE", "+44 7911 123456"),
        ("telepon 0812-3456-7890 ya", "PHONE", "0812-3456-7890"),
        ("打13812345678给我", "PHONE", "13812345678"),
        ("see https://example.com/a?b=1, ok", "URL", "https://example.com/a?b=1"),
        ("see www.example.org.", "URL", "www.example.org"),
        ("open http://192.168.0.1:8080/x", "URL", "http://192.168.0.1:8080/x"),
        ("follow @jack_1 today", "TWITTER", "@jack_1"),
        ("my card 4111 1111 1111 1111 was lost", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("card 4111111111111111 12/27 5", "CREDIT_CARD", "4111111111111111"),
        ("card:378282246310005.", "CREDIT_CARD", "378282246310005"),
        ("card 4111.1111.1111.1111, ok", "CREDIT_CARD", "4111.1111.1111.1111"),
        ("card 4111/1111/1111/1111", "CREDIT_CARD", "4111/1111/1111/1111"),
        ("my number is 078-05-1120", "SOCIAL_SECURITY_NUMBER", "078-05-1120"),
        ("username: root password: hunter2", "CREDENTIAL", "username: root password: hunter2"),
    ],
)
def test_personal_data_is_found(text: str, kind: str, value: str) -> None:
    assert _found(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "what can I eat at noon",
        "it does not work at all. help",
        "book a table at 7.30pm at St. James",
        "meet me at J.G. Melon",
        "my login password is not working",
        "change username and password",
        "rate this book 4 out of 6",
        "a table for 10/24/2028 at 19:26",
        "between 2025 12 24 10 30 and noon",
        "order 1234567",
        "card 4111 1111 1111 1112",
        "人均消费在100-150元，游玩3小时 - 4小时",
        "transfer 12000000 to savings",
        "{{EMAIL}} and {{PHONE_2}}",
        "",
    ],
)
def test_ordinary_words_and_numbers_are_left_alone(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize("piece", ["x", "a@a.", "1 ", "4111 ", "::1 ", " at a dot ", "京A", "u: "])
def test_a_long_odd_text_takes_no_more_than_seconds(piece: str) -> None:
    start = time.process_time()
    find_personal_data("mail a@b.co at 5 " + piece * (4000 // len(piece)))
    assert time.process_time() - start < 5


@given(st.text() | st.text("0123456789 -+.@atdotcom:/w\u5916"))
def test_spans_are_in_order_apart_and_inside_the_text(text: str) -> None:
    position = 0
    for span in find_personal_data(text):
        assert position <= span.start < span.end <= len(text)
        position = span.end
