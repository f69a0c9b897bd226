"""Redaction keeps rows true."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import Call, format_calls, parse_calls
from intentflow.curate import redact_example, redact_text
from intentflow.records import Example

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


def test_redacting_again_changes_nothing() -> None:
    once = redact_text(f"{MAIL} {PHONE} www.example.com 4111111111111111")
    assert redact_text(once) == once


SECRETS = st.sampled_from([MAIL, PHONE, "@jack_1", "www.example.com/a", "4111111111111111"])
WORDS = st.sampled_from(["mail", "to", "杭州", "a, b", "(x)", "5", "jane"])


@given(st.lists(SECRETS | WORDS, min_size=1, max_size=6), st.data())
def test_intents_and_counts_stay_and_no_secret_does(pieces: list[str], data: st.DataObject) -> None:
    values = data.draw(st.lists(st.sampled_from(pieces), max_size=4))
    calls = [Call("f", tuple(values)), Call("g", (" ".join(pieces),))]
    row, _ = redact_example(Example(" ".join(pieces), format_calls(calls)))
    assert [(c.intent, len(c.parameters)) for c in parse_calls(row.output)] == [
        ("f", len(values)),
        ("g", 1),
    ]
    for secret in (MAIL, PHONE, "@jack_1", "www.example.com", "4111111111111111"):
        assert secret not in row.instruction + row.output


@pytest.mark.parametrize("value", ["{{EMAIL}}", "a {{EMAIL}} b"])
def test_a_placeholder_needs_no_quotes_in_a_call(value: str) -> None:
    assert format_calls([Call("f", (value,))]) == f"f({value})"
