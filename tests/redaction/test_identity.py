"""Numbers of persons and accounts: right ones, wrong check digits, and what announces them."""

import random

import pytest

from intentflow.redaction.analyzer import find_personal_data


def _found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_personal_data(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("身份证11010519491231002X谢谢", "11010519491231002X"),
        ("11010519491231002x", "11010519491231002x"),
        ("my id: 110105 19491231 002X", "110105 19491231 002X"),
        ("１１０１０５１９４９１２３１００２Ｘ", "１１０１０５１９４９１２３１００２Ｘ"),
        ("我是A123456789", "A123456789"),
        ("a123456789 is mine", "a123456789"),
        ("居留證A800000014", "A800000014"),
        ("KTP saya 3171011708450001 ya", "3171011708450001"),
        ("3171 0117 0845 0001", "3171 0117 0845 0001"),
        ("HKID A123456(3)", "A123456(3)"),
        ("my NI number is AB 12 34 56 C", "AB 12 34 56 C"),
        ("AB123456C", "AB123456C"),
    ],
)
def test_an_identity_number_is_found_by_its_form(text: str, value: str) -> None:
    assert _found(text) == [("ID_NUMBER", value)]


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310021",
        "11010519491331002X",
        "A123456788",
        "9971011708450001",
        "3171014013450001",
        "A123456(4)",
        "BG123456C",
        "GB30NWBK60161331926819",
        "ABC-1234",
        "A12345678",
    ],
)
def test_a_number_that_its_check_refutes_stays(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("passport E12345678", "E12345678"),
        ("my passport number is 533380006, thanks", "533380006"),
        ("护照号码：E12345678", "E12345678"),
        ("paspor saya C1234567", "C1234567"),
        ("passport YA1234567", "YA1234567"),
        ("身份证号是110105194912310021", "110105194912310021"),
        ("my driver's license is D1234567", "D1234567"),
        ("NIK: 9971011708450001", "9971011708450001"),
    ],
)
def test_behind_a_word_for_it_no_check_digit_is_needed(text: str, value: str) -> None:
    assert _found(text) == [("ID_NUMBER", value)]


@pytest.mark.parametrize(
    "text",
    [
        "renew my passport in 2024",
        "passport photo 35x45 mm",
        "id card lost on 12 May 2024",
        "passport {{ID_NUMBER}}",
    ],
)
def test_a_word_for_it_alone_is_no_number(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("536-90-4399", "536-90-4399"),
        ("my number is 078 05 1120", "078 05 1120"),
        ("ssn 078051120", "078051120"),
        ("my social security number is 536904399", "536904399"),
    ],
)
def test_a_social_security_number_is_found(text: str, value: str) -> None:
    assert _found(text) == [("SOCIAL_SECURITY_NUMBER", value)]


@pytest.mark.parametrize("text", ["100 12 2024", "000-12-3456", "666-12-3456", "zip 94105-1234"])
def test_what_is_never_given_out_or_ends_in_a_year_stays(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("DE89370400440532013000", "DE89370400440532013000"),
        ("pay DE89 3704 0044 0532 0130 00 now", "DE89 3704 0044 0532 0130 00"),
        ("gb29 nwbk 6016 1331 9268 19 please", "gb29 nwbk 6016 1331 9268 19"),
        ("转到GB29NWBK60161331926819账户", "GB29NWBK60161331926819"),
        ("pay DE89-3704-0044-0532-0130-00 now", "DE89-3704-0044-0532-0130-00"),
        ("FR14 2004 1010 0505 0001 3M02 606", "FR14 2004 1010 0505 0001 3M02 606"),
    ],
)
def test_an_account_is_found_and_the_word_behind_it_stays(text: str, value: str) -> None:
    assert _found(text) == [("IBAN", value)]


def test_few_random_numbers_of_eighteen_digits_pass_as_identity_numbers() -> None:
    chance = random.Random(0)
    numbers = [str(chance.randrange(10**17, 10**18)) for _ in range(2000)]
    assert sum(("ID_NUMBER", number) in _found(number) for number in numbers) <= 5
