"""Telephone numbers, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.redaction.analyzer import find_personal_data


def _found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_personal_data(text)]


NUMBERS = [
    "+1 415 858 6273",
    "+14158586273",
    "(415) 858-6273",
    "415.858.6273",
    "4158586273",
    "1-415-858-6273",
    "001-415-858-6273",
    "(591) 341-7776",
    "+1-537-640-6812",
    "+1 415 555 021",
    "02 4177 7631",
    "+49(0) 778353374",
    "0044 20 7946 0958",
    "+44 20 7946 0958",
    "020 7946 0958",
    "07911 123456",
    "+86 138 1234 5678",
    "008613812345678",
    "8613812345678",
    "13812345678",
    "138 1234 5678",
    "138.1234.5678",
    "1 3 8 1 2 3 4 5 6 7 8",
    "010-62345678",
    "(010) 6234 5678",
    "0755-26512345",
    "400-810-1234",
    "+886 912 345 678",
    "0912-345-678",
    "0912345678",
    "(02) 2345-6789",
    "02-2345-6789",
    "+62 812-3456-7890",
    "6281234567890",
    "0812-3456-7890",
    "081234567890",
    "(021) 5301234",
    "+49 (0)30 12345678",
    "030 12345678",
    "030/12345678",
    "0151 23456789",
    "+91 98765 43210",
    "98765 43210",
    "9876543210",
    "+33 1 42 68 53 00",
    "+852 2345 6789",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_found_among_words(number: str) -> None:
    assert _found(f"please note {number}, thanks") == [("PHONE", number)]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_found_between_chinese_characters(number: str) -> None:
    assert _found(f"请记下{number}谢谢") == [("PHONE", number)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("我的手机是１３８１２３４５６７８谢谢", "１３８１２３４５６７８"),
        ("（０１０）６２３４５６７８", "（０１０）６２３４５６７８"),
        ("\u202a+86 138 1234 5678\u202c", "+86 138 1234 5678"),
        ("138\u200b1234\u200b5678", "138\u200b1234\u200b5678"),
        ("٠٩١٢٣٤٥٦٧٨", "٠٩١٢٣٤٥٦٧٨"),
    ],
)
def test_other_digits_and_invisible_marks_hide_no_number(text: str, number: str) -> None:
    assert _found(text) == [("PHONE", number)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("my phone number is 5551234", "5551234"),
        ("call 555-1234", "555-1234"),
        ("电话62345678", "62345678"),
        ("call me at 2345 6789", "2345 6789"),
        ("tel13812345678", "13812345678"),
        ("wa081234567890", "081234567890"),
    ],
)
def test_behind_a_word_for_it_a_local_number_is_found(text: str, number: str) -> None:
    assert _found(text) == [("PHONE", number)]


@pytest.mark.parametrize(
    "number", ["415-858-6273 ext. 12", "415-858-6273x12", "010-62345678转801", "021-62345678-801"]
)
def test_an_extension_belongs_to_its_number(number: str) -> None:
    assert _found(f"ring {number} please") == [("PHONE", number)]


@pytest.mark.parametrize("between", [",", ", ", "/", "、", " ", " or "])
@pytest.mark.parametrize(
    "numbers", [("13812345678", "13987654321"), ("0812 3456 7890", "0812 3456 7891")]
)
def test_neighbouring_numbers_are_two(between: str, numbers: tuple[str, str]) -> None:
    assert [value for _, value in _found(between.join(numbers))] == [*numbers]


def test_a_count_next_to_a_number_is_not_part_of_it() -> None:
    assert _found("2 tickets, 13812345678 2张") == [("PHONE", "13812345678")]


def test_a_bracket_around_a_number_stays() -> None:
    assert _found("(13812345678)") == [("PHONE", "13812345678")]


@pytest.mark.parametrize(
    "text",
    [
        "a table for 10/24/2028 at 19:26",
        "08 12 2024 1930",
        "2024-12-24 10:30",
        "2024.12.24 10.30",
        "between 2025 12 24 10 30 and noon",
        "1703430000",
        "2024122410",
        "20241224103000",
        "call me 20241224",
        "call me in 30 minutes",
        "call 3 people at 19:30",
    ],
)
def test_dates_and_times_are_no_numbers_to_call(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "order 4158586273",
        "order number 2025122401",
        "my order is #4158586273",
        "订单号4158586273",
        "pesanan 081234567890",
        "isbn 9780306406157",
        "978-0-306-40615-7",
    ],
)
def test_numbers_of_orders_and_books_stay(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "pay $4158586273",
        "Rp 8123456789",
        "4158586273元",
        "transfer 12000000 to savings",
        "top up my phone with 5000000",
        "人均100-150元，2-3小时",
        "score 98-100-2000",
    ],
)
def test_amounts_stay(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "flight CA1234 at 0830",
        "航班CA1234",
        "10086",
        "95588",
        "1234567",
        "123456789",
        "sku4158586273",
        "4158586273ab",
        "31.2304161234",
        "3.14159265358979",
        "postcode 100080",
        "3 4 5 6 7",
    ],
)
def test_codes_and_short_numbers_stay(text: str) -> None:
    assert _found(text) == []


@given(st.text("0123456789 +-().,/\u3000１", max_size=80))
def test_any_run_of_digits_is_searched(text: str) -> None:
    for span in find_personal_data(text):
        assert 0 <= span.start < span.end <= len(text)
