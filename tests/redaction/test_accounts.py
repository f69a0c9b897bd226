"""Numbers of bank accounts behind words for them, and amounts and dates behind the same words."""

import pytest

from intentflow.curation import redact_example
from intentflow.records import Example
from intentflow.redaction.analyzer import find_personal_data


def _found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_personal_data(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("account number 12345678", "12345678"),
        ("my account number is 123456.", "123456"),
        ("bank account 12-3456-78901234", "12-3456-78901234"),
        ("send it to account 12345678", "12345678"),
        ("acc no 12345678901", "12345678901"),
        ("acct. no. 12345678901", "12345678901"),
        ("a/c 12345678", "12345678"),
        ("rekening BCA 1234567890", "1234567890"),
        ("rekening 1234567890", "1234567890"),
        ("rekening saya di bank Mandiri 1234567890", "1234567890"),
        ("nomor rekening 1234567890", "1234567890"),
        ("no. rekening: 1234567890", "1234567890"),
        ("norek 1234567890 ya", "1234567890"),
        ("账号 6222021234567890", "6222021234567890"),
        ("账户号码：1234567890", "1234567890"),
        ("帳號 1234567890", "1234567890"),
        ("帳戶號碼是１２３４５６７８９０", "１２３４５６７８９０"),
        ("account number 12345678 50 dollars", "12345678"),
    ],
)
def test_an_account_is_found_behind_its_word(text: str, value: str) -> None:
    assert _found(text) == [("ACCOUNT_NUMBER", value)]


@pytest.mark.parametrize(
    "text",
    [
        "account 2",
        "my account 50 dollars",
        "my account 12000000 rupiah",
        "rekening saya 12.000.000",
        "my account 500000",
        "opened an account on 2024-05-01",
        "accounting 12345678",
        "账户12345678元",
        "account number {{ACCOUNT_NUMBER}}",
    ],
)
def test_amounts_dates_and_counts_stay(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize("labelled", ["12345678901", "1234-5678-901", "123 456 78901"])
def test_an_account_is_replaced_in_its_parameter_too(labelled: str) -> None:
    row, kinds = redact_example(Example("pay to acc no 12345678901", f"pay({labelled})"))
    assert (row.instruction, row.output) == (
        "pay to acc no {{ACCOUNT_NUMBER}}",
        "pay({{ACCOUNT_NUMBER}})",
    )
    assert kinds == {"ACCOUNT_NUMBER": 1}
