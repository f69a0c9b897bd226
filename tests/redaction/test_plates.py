"""Licence plates."""

import pytest

from intentflow.redaction.analyzer import find_personal_data


def _found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_personal_data(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("京A12345", "京A12345"),
        ("我的车京A·12345在哪", "京A·12345"),
        ("沪A8K235停在这里", "沪A8K235"),
        ("新能源粤B D12345", "粤B D12345"),
        ("粤BD12345", "粤BD12345"),
        ("粤Z1234港", "粤Z1234港"),
        ("京a12345", "京a12345"),
        ("京Ａ１２３４５", "京Ａ１２３４５"),
    ],
)
def test_a_chinese_plate_is_found_by_its_form(text: str, value: str) -> None:
    assert _found(text) == [("PLATE", value)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("車牌是ABC-1234", "ABC-1234"),
        ("車牌abc-1234", "abc-1234"),
        ("plat nomor B 1234 XYZ", "B 1234 XYZ"),
        ("nopol b 1234 xyz", "b 1234 xyz"),
        ("my plate is AB12 CDE", "AB12 CDE"),
        ("AB12 CDE is my number plate", "AB12 CDE"),
        ("registration number ab12cde", "ab12cde"),
        ("licence plate 7ABC123", "7ABC123"),
        ("my plate is WUN-RR-92", "WUN-RR-92"),
        ("plate number VH-664-WJ", "VH-664-WJ"),
        ("plate no. 203755", "203755"),
    ],
)
def test_another_plate_is_found_next_to_a_word_for_it(text: str, value: str) -> None:
    assert _found(text) == [("PLATE", value)]


@pytest.mark.parametrize(
    "text",
    [
        "ABC-1234",
        "B 1234 XYZ",
        "AB12 CDE",
        "a plate of 12 eggs",
        "plates for 4 people",
        "plate of 12 ham",
        "registration for 2024 is open",
        "we need 5 plates and 1234 cups",
        "REGISTRATION FOR 2024 IS OPEN",
        "call sign AB123",
        "SW1A 1AA",
        "新A股12345",
        "湘A菜馆",
        "京城A座12345",
        "云B座1001",
    ],
)
def test_other_codes_and_food_stay(text: str) -> None:
    assert _found(text) == []
