"""Shops, amounts, codes, places and groups that only look like personal data."""

import pytest

from intentflow.redaction.anonymizer import redact_text


def _assert_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "order running shoes at zalando.com",
        "buy a lamp at ikea.co.uk please",
        "log in at bank dot com",
        "what can i see at example.org",
        "the song at 3.30 dot com",
        "store this in node.js at work.io",
        "email the receipt at walmart.com",
        "check the menu at pizzahut.com",
        "meet me at noon. com",
    ],
)
def test_what_is_at_a_site_is_no_address(text: str) -> None:
    _assert_stays(text)


@pytest.mark.parametrize(
    "text",
    [
        "commit a4111111111111111f failed",
        "track parcel 0x52908400098527886E0F",
        "guid 110bcd25-a55d-453a-8046-1297901ea002 failed",
        "sku AB4111111111111111",
        "md5 d41d5500005555555559d8f",
        "item 4006381333931 is out of stock",
    ],
)
def test_a_code_holds_no_card(text: str) -> None:
    _assert_stays(text)


@pytest.mark.parametrize(
    "text",
    [
        "how much is 100 20 3000",
        "qty 150 25 4000 units",
        "250-10-3000",
        "12.10.2024 and 100.20.3000",
    ],
)
def test_amounts_in_a_row_are_no_social_security_number(text: str) -> None:
    _assert_stays(text)


@pytest.mark.parametrize(
    "text",
    [
        "revenue grew by +100 000 000 last year",
        "add +250 500 000 to the budget",
        "send 6281234567890 rupiah to savings",
        "it costs 2025550143",
        "pay 4158586273 dollars",
        "show product 3074185296",
        "第12345678901号文件",
    ],
)
def test_a_price_or_a_code_is_no_telephone_number(text: str) -> None:
    _assert_stays(text)


@pytest.mark.parametrize(
    "text", ["@home lights on", "@all meeting at 5", "@kitchen off", "@everyone lunch", "meet @5pm"]
)
def test_a_place_a_group_or_a_time_is_no_user_name(text: str) -> None:
    _assert_stays(text)
