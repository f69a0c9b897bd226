"""National numbers of many countries, as printed and in plain digits; the numbers are made up."""

import pytest

from intentflow.redaction.analyzer import find_personal_data
from intentflow.redaction.anonymizer import redact_text

NUMBERS = [
    "529.982.247-25", "11.222.333/0001-81", "54362315K", "X1234567L", "RCCMNL83S18D969H",
    "2 95 10 99 126 111 93", "770305-02-1234", "44051401359", "17291716060", "12.531.909-2",
    "S1234567D", "36574261809", "ABCDE1234F", "BOXW310820HNERXN09", "811218-9876", "131052-308T",
    "756.9217.0769.85", "2341 2341 2346", "201001-1234567",
]  # fmt: skip
"""Brazil, Spain, Italy, France, Malaysia, Poland, Turkey, Chile, Singapore, Germany, India, …"""


@pytest.mark.parametrize("number", NUMBERS)
def test_a_national_number_is_found_without_a_word_for_it(number: str) -> None:
    text = f"this is {number}, thanks"
    assert [text[start:end] for start, end, _ in find_personal_data(text)] == [number]


@pytest.mark.parametrize(
    "number",
    ["529.982.247-26", "54362315A", "RCCMNL83S18D969A", "44051401358", "S1234567A", "811218-9875"],
)
def test_a_national_number_with_a_wrong_check_digit_stays(number: str) -> None:
    text = f"this is {number}, thanks"
    assert [span for span in find_personal_data(text) if span.kind == "ID_NUMBER"] == []


@pytest.mark.parametrize(
    "text",
    [
        "NHS number 943 476 5919", "my tax file number is 123 456 782", "my bsn is 111222333",
        "my sin number is 046 454 286", "my cccd is 001099012345", "check the account of 111222333",
    ],
)  # fmt: skip
def test_a_number_without_a_form_is_found_after_a_word_for_it(text: str) -> None:
    assert "{{" in redact_text(text)


@pytest.mark.parametrize("text", ["order 44051401359", "item 54362315K", "20240115103000"])
def test_other_numbers_of_the_same_form_stay(text: str) -> None:
    assert redact_text(text) == text
