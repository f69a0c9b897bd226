"""Redaction keeps rows true."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intentflow.calls import Call, format_calls, parse_calls
from intentflow.curation import redact_example, redact_text
from intentflow.records import Example
from intentflow.redaction.analyzer import PLACEHOLDER
from intentflow.redaction.placeholders import normal_form, significant
from tests.redaction.planted import ALL, SECRETS

MAIL = "jane@example.com"
PHONE = "415-858-6273"


def _redacted(instruction: str, output: str) -> tuple[str, str]:
    row, _ = redact_example(Example(instruction, output))
    return row.instruction, row.output


def test_a_value_is_replaced_in_the_utterance_and_in_its_parameter() -> None:
    assert _redacted(f"mail {MAIL} about lunch", f"send({MAIL},lunch)") == (
        "mail {{EMAIL}} about lunch",
        "send({{EMAIL}},lunch)",
    )


def test_two_values_of_a_kind_stay_apart() -> None:
    other = "john@example.com"
    assert _redacted(f"from {MAIL} to {other}", f"send({other},{MAIL})") == (
        "from {{EMAIL}} to {{EMAIL_2}}",
        "send({{EMAIL_2}},{{EMAIL}})",
    )


def test_the_same_value_written_otherwise_gets_the_same_placeholder() -> None:
    assert _redacted("call 415-858-6273", "call((415) 858-6273)")[1] == "call({{PHONE}})"


def test_a_parameter_that_holds_more_keeps_the_rest() -> None:
    assert _redacted(f"call {PHONE} now", f"call({PHONE} now)")[1] == "call({{PHONE}} now)"


def test_a_parameter_that_is_a_part_of_the_secret_does_not_leak_it() -> None:
    assert _redacted(f"mail {MAIL}", "send(jane)")[1] == "send({{EMAIL}})"


def test_a_value_that_also_stands_elsewhere_stays() -> None:
    text = f"mail jane at work: {MAIL}"
    assert _redacted(text, f"send(jane,{MAIL})")[1] == "send(jane,{{EMAIL}})"


def test_personal_data_only_in_the_label_is_replaced_too() -> None:
    assert _redacted("mail her", f"send({MAIL})") == ("mail her", "send({{EMAIL}})")


def test_a_label_that_does_not_parse_is_redacted_as_text() -> None:
    assert _redacted(f"mail {MAIL}", f"send({MAIL}")[1] == "send({{EMAIL}}"


def test_a_secret_with_a_comma_keeps_the_number_of_parameters() -> None:
    row = _redacted("username: a password: b, c", 'login("username: a password: b, c")')
    assert row == ("{{CREDENTIAL}}", "login({{CREDENTIAL}})")


def test_a_row_without_personal_data_is_the_same_object() -> None:
    row = Example("play jazz", "play( jazz )")
    assert redact_example(row) == (row, {})
    assert redact_example(row)[0] is row


def test_the_counts_name_kinds_and_no_values() -> None:
    _, kinds = redact_example(Example(f"{MAIL} and {PHONE} and {MAIL}", "f()"))
    assert kinds == {"EMAIL": 1, "PHONE": 1}


def test_a_synthetic_row_stays_marked() -> None:
    assert redact_example(Example(f"mail {MAIL}", "f()", synthetic=True))[0].synthetic


@pytest.mark.parametrize(
    ("written", "labelled"),
    [
        ("+1 415 858 6273", "4158586273"),
        ("4158586273", "(415) 858-6273"),
        ("+62 812-3456-7890", "081234567890"),
        ("１３８１２３４５６７８", "138 1234 5678"),
        ("my plate B 1234 XYZ", "b1234xyz"),
        ("passport E12345678", "E 1234-5678"),
        ("京A·12345", "京A12345"),
        ("4111 1111 1111 1111", "4111111111111111"),
        ("DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("jane at example dot com", "jane@example.com"),
        ("Jane@Example.com", "jane@example.com"),
        ("2001:db8::8a2e:370:7334", "2001:0db8:0:0:0:8a2e:370:7334"),
        ("00:1A:2B:3C:4D:5E", "00-1a-2b-3c-4d-5e"),
    ],
)
def test_a_secret_written_otherwise_in_the_label_gets_its_placeholder(
    written: str, labelled: str
) -> None:
    instruction, output = _redacted(f"note {written}, ok", f"f({labelled})")
    placeholders = PLACEHOLDER.findall(instruction)
    assert len(placeholders) == 1
    assert output == f"f({placeholders[0]})"


@pytest.mark.parametrize("value", ["6273", "858 6273", "8586273", "415 858", "(858)6273"])
def test_a_part_of_a_number_with_other_separators_does_not_leak_it(value: str) -> None:
    assert _redacted(f"call {PHONE}", f"f({value})")[1] == "f({{PHONE}})"


def test_a_part_of_a_name_in_other_letters_does_not_leak_it() -> None:
    assert _redacted("mail Jane.Doe@example.com", "f(jane.doe)")[1] == "f({{EMAIL}})"


def test_a_value_that_shares_a_digit_or_two_with_a_secret_stays() -> None:
    assert _redacted(f"call {PHONE} at five", "f(5,4,85)")[1] == "f(5,4,85)"


def test_a_row_keeps_its_dialogue() -> None:
    row = Example(f"mail {MAIL}", "f()", dialogue="d1")
    assert redact_example(row)[0].dialogue == "d1"


def test_equal_secrets_share_one_placeholder() -> None:
    row = _redacted(f"call {PHONE}, I say {PHONE} or 4158586273", f"f({PHONE},{PHONE})")
    assert row == (
        "call {{PHONE}}, I say {{PHONE}} or {{PHONE}}",
        "f({{PHONE}},{{PHONE}})",
    )


@pytest.mark.parametrize(
    "value", ['"415-858-6273"', '"415\\u002d858\\u002d6273"', '"call: 415-858-6273, (now)"']
)
def test_a_quoted_value_is_read_before_it_is_searched(value: str) -> None:
    calls = parse_calls(_redacted("call her", f"f({value})")[1])
    assert "{{PHONE}}" in calls[0].parameters[0]


def test_a_label_that_does_not_parse_shares_the_placeholders() -> None:
    _, output = _redacted("my plate is B 1234 XYZ", "check(b1234xyz")
    assert output == "check({{PLATE}}"


def test_what_the_utterance_shows_to_be_an_order_stays_in_the_label_too() -> None:
    row = Example("where is order 415-858-6273", "where_is(4158586273)")
    assert redact_example(row)[0] is row


def test_an_old_placeholder_keeps_its_name_for_itself() -> None:
    assert _redacted(f"from {{{{EMAIL}}}} to {MAIL}", f"f({{{{EMAIL}}}},{MAIL})") == (
        "from {{EMAIL}} to {{EMAIL_2}}",
        "f({{EMAIL}},{{EMAIL_2}})",
    )


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_a_placeholder_is_never_taken_for_personal_data(kind: str) -> None:
    text = f"call passport plate ssn {{{{{kind}}}}} {{{{{kind}_23456789}}}} at 5"
    assert redact_text(text) == text


def test_redacting_again_changes_nothing() -> None:
    once = redact_text(" ".join(value for _, value in ALL))
    assert redact_text(once) == once


PLANTED = st.sampled_from([value for _, value in ALL])
WORDS = st.sampled_from(["mail", "call", "杭州", "a, b", "(x)", "5", "车牌", '"', "\\"])
SEPARATORS = st.sampled_from([" ", ", ", "，", "。", "; "])


@st.composite
def _planted_rows(draw: st.DrawFn) -> tuple[Example, list[str], list[Call]]:
    secrets = draw(st.lists(PLANTED, min_size=1, max_size=3))
    pieces = draw(st.permutations([*secrets, *draw(st.lists(WORDS, max_size=4))]))
    text = draw(SEPARATORS).join(pieces)
    values = st.sampled_from([*pieces, text, *(significant(value) for value in secrets)])
    parameters = draw(st.lists(st.lists(values, max_size=3), min_size=1, max_size=2))
    calls = [Call(f"intent_{index}", tuple(row)) for index, row in enumerate(parameters)]
    label = format_calls(calls) + draw(st.sampled_from(["", "", "; broken("]))
    return Example(text, label), secrets, calls


@settings(max_examples=300)
@given(_planted_rows())
def test_no_planted_secret_remains(planted: tuple[Example, list[str], list[Call]]) -> None:
    row, secrets, _ = planted
    clean, _ = redact_example(row)
    left = significant(clean.instruction) + " " + significant(clean.output)
    assert [secret for secret in secrets if significant(secret) in left] == []


@settings(max_examples=300)
@given(_planted_rows())
def test_intents_and_counts_of_parameters_stay(
    planted: tuple[Example, list[str], list[Call]],
) -> None:
    row, _, calls = planted
    clean, _ = redact_example(row)
    if not row.output.endswith("broken("):
        found = [(call.intent, len(call.parameters)) for call in parse_calls(clean.output)]
        assert found == [(call.intent, len(call.parameters)) for call in calls]


@settings(max_examples=300)
@given(_planted_rows())
def test_redacting_a_row_again_changes_nothing(
    planted: tuple[Example, list[str], list[Call]],
) -> None:
    clean, _ = redact_example(planted[0])
    assert redact_example(clean) == (clean, {})


@given(st.text("0123456789 +-().,@{}_PHONE京Aabc:x"))
def test_redacting_any_text_again_changes_nothing(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@pytest.mark.parametrize("value", ["{{EMAIL}}", "a {{EMAIL}} b"])
def test_a_placeholder_needs_no_quotes_in_a_call(value: str) -> None:
    assert format_calls([Call("f", (value,))]) == f"f({value})"


def test_two_parts_of_one_secret_stay_two_parameters() -> None:
    _, output = _redacted(f"mail {MAIL}", "send(jane,example.com)")
    assert output == "send({{EMAIL}},{{EMAIL_2}})"


def test_a_part_keeps_its_placeholder_in_each_call() -> None:
    _, output = _redacted(f"mail {MAIL}", "send(jane,example.com);copy(example.com)")
    assert output == "send({{EMAIL}},{{EMAIL_2}}); copy({{EMAIL_2}})"


_PART = st.tuples(PLANTED, st.integers(0, 9), st.integers(4, 24))


@settings(max_examples=500)
@given(st.lists(PLANTED, min_size=1, max_size=3), st.lists(_PART, min_size=2, max_size=5))
def test_two_parameters_never_become_one(
    secrets: list[str], cuts: list[tuple[str, int, int]]
) -> None:
    parts = [secret[start : start + length].strip() for secret, start, length in cuts]
    values = {normal_form(part): part for part in [*parts, *secrets] if normal_form(part)}
    row = Example(
        "please note " + ", ".join(secrets), format_calls([Call("f", (*values.values(),))])
    )
    clean, _ = redact_example(row)
    parameters = parse_calls(clean.output)[0].parameters
    assert len(set(parameters)) == len(parameters) == len(values)
