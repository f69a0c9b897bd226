"""The intent-call language."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import (
    Call,
    CallSyntaxError,
    format_calls,
    format_json_calls,
    format_output,
    is_ambiguous,
    name_fault,
    parse_calls,
    parse_json_calls,
    parse_output,
    same_calls,
    same_intents,
)

# Lone surrogates are no text: they cannot be written to a file.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = TEXT.map(lambda text: "".join(c for c in text if c not in "(),;<>").strip()).filter(
    lambda name: name_fault(name) is None
)
CALLS = st.lists(st.builds(Call, NAMES, st.lists(TEXT).map(tuple)), min_size=1)


@given(CALLS)
def test_what_is_written_as_calls_reads_back_to_the_same_calls(calls: list[Call]) -> None:
    assert parse_calls(format_calls(calls)) == calls


@given(CALLS)
def test_what_is_written_as_json_reads_back_to_the_same_calls(calls: list[Call]) -> None:
    assert parse_json_calls(format_json_calls(calls)) == calls


@given(TEXT | st.text('ab(),;" \\（），'))
def test_reading_any_text_gives_calls_or_a_syntax_error(text: str) -> None:
    try:
        assert parse_calls(text)
    except CallSyntaxError as error:
        assert 0 <= error.position <= len(text)


@given(TEXT | st.text('[]{}":,intent'))
def test_reading_any_text_as_json_gives_calls_or_a_syntax_error(text: str) -> None:
    with contextlib.suppress(CallSyntaxError):
        assert parse_json_calls(text)


@given(TEXT | st.text('ab(),;"'), TEXT)
def test_asking_whether_any_label_is_ambiguous_never_fails(text: str, utterance: str) -> None:
    assert is_ambiguous(text, utterance) in (True, False)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("play_music()", [Call("play_music")]),
        ("play_music( )", [Call("play_music")]),
        ("play_music(***)", [Call("play_music", ("***",))]),
        ("weather_search(Hangzhou)", [Call("weather_search", ("Hangzhou",))]),
        ("weather_search(杭州)", [Call("weather_search", ("杭州",))]),
        ("f(a, b ,c)", [Call("f", ("a", "b", "c"))]),
        ("f(,)", [Call("f", ("", ""))]),
        ("a(); b(x)", [Call("a"), Call("b", ("x",))]),
        ("a();b();", [Call("a"), Call("b")]),
        ("reverted_card_payment?()", [Call("reverted_card_payment?")]),
        ("hotel(北京(南站店))", [Call("hotel", ("北京(南站店)",))]),
        ('f("a, b",c)', [Call("f", ("a, b", "c"))]),
        ('f("a;b")', [Call("f", ("a;b",))]),
        ('f("quoted" title)', [Call("f", ('"quoted" title',))]),
    ],
)
def test_reads_what_labellers_write(text: str, calls: list[Call]) -> None:
    assert parse_calls(text) == calls


@pytest.mark.parametrize(
    "text", ["", "play", "f(", "f(a", "f)", "(a)", "f(a))", "f() g()", "f(a;b)", ";f()", "f(),g()"]
)
def test_refuses_what_is_no_call(text: str) -> None:
    with pytest.raises(CallSyntaxError):
        parse_calls(text)


LONG = ["x" * 101, "one two three four five six seven eight nine"]


@pytest.mark.parametrize(
    "text",
    [
        "<think>\nThe user wants music.\n</think>\n\nplay(jazz)",
        "<b>stop()</b>",
        "Here is the call:\nstop()",
        *(f"{name}()" for name in LONG),
        "greet(); Then stop it:\nstop()",
    ],
)
def test_prose_and_markup_around_a_call_are_no_name(text: str) -> None:
    with pytest.raises(CallSyntaxError, match="the intent name"):
        parse_calls(text)


@pytest.mark.parametrize("name", ["a<b", "a\nb", *LONG])
def test_a_name_in_json_has_the_same_bounds(name: str) -> None:
    with pytest.raises(CallSyntaxError):
        parse_json_calls(format_json_calls([Call(name)]))


@pytest.mark.parametrize("name", ["reverted_card_payment?", "alarm.set", "x" * 100, "查询 天气"])
def test_names_of_public_sets_are_within_the_bounds(name: str) -> None:
    assert parse_calls(f"{name}()") == [Call(name)]


@pytest.mark.parametrize("name", ["", " a", "a(b", "a;b", "a<b", "a\nb", *LONG])
def test_does_not_write_a_name_that_could_not_be_read(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be named"):
        format_calls([Call(name)])


def test_both_formats_go_through_the_same_calls() -> None:
    calls = [Call("f", ("a, b",))]
    for form in ("call", "json"):
        assert parse_output(format_output(calls, form), form) == calls  # type: ignore[arg-type]


def test_the_order_of_calls_makes_no_difference() -> None:
    assert same_calls([Call("a"), Call("b", ("1",))], [Call("b", ("1",)), Call("a")])


def test_a_repeated_intent_counts() -> None:
    assert not same_intents([Call("a"), Call("a")], [Call("a")])


def test_the_order_of_parameters_counts() -> None:
    assert not same_calls([Call("a", ("1", "2"))], [Call("a", ("2", "1"))])


def test_a_comma_that_stands_in_the_utterance_is_ambiguous() -> None:
    assert is_ambiguous("go(Fort Point, San Francisco)", "to Fort Point, San Francisco")


def test_a_comma_between_values_that_stand_apart_is_not_ambiguous() -> None:
    assert not is_ambiguous("go(Paris,noon)", "to Paris at noon")


def test_a_semicolon_inside_a_bare_value_is_ambiguous() -> None:
    assert is_ambiguous("add(life's short; play fast)", "add life's short; play fast")


def test_a_quoted_value_is_not_ambiguous() -> None:
    assert not is_ambiguous('go("Fort Point, San Francisco")', "to Fort Point, San Francisco")
