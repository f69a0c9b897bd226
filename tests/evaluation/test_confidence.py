"""Which tokens of an answer say how sure the model was of its structure."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import OutputFormat
from intentflow.inference.confidence import answer_confidence, value_characters


def _values(text: str, output_format: OutputFormat) -> list[str]:
    """The runs of characters that belong to values."""
    inside = value_characters(text, output_format)
    marked = "".join(c if value else "\0" for c, value in zip(text, inside, strict=True))
    return [run for run in re.split("\0+", marked) if run]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("bye()", []),
        ("weather(Paris)", ["Paris"]),
        ("weather(Paris, today); bye()", ["Paris", " today"]),
        ('say("a, b)",c)', ['"a, b)"', "c"]),
        ('say( "x" )', [' "x" ']),
        ("f(a (b, c) d,e)", ["a (b, c) d", "e"]),
        ('f(5" disk,x)', ['5" disk', "x"]),
        ('f("half,x)', ['"half', "x"]),
        ("f(cut off", ["cut off"]),
        ("no call at all", []),
        (")(", []),
        ("", []),
    ],
)
def test_values_of_calls_are_distinguished_from_structure(text: str, values: list[str]) -> None:
    assert _values(text, "call") == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('[{"intent": "bye", "parameters": []}]', []),
        ('[{"intent": "w", "parameters": ["Paris", "a]\\"}"]}]', ['"Paris"', '"a]\\"}"']),
        ('[{"intent": "w", "parameters": ["cut', ['"cut']),
        ("]]", []),
        ("words", []),
    ],
)
def test_values_of_json_are_distinguished_from_structure(text: str, values: list[str]) -> None:
    assert _values(text, "json") == values


def _confidence(tokens: list[tuple[str, float]], output_format: OutputFormat = "call") -> float:
    pieces = [text for text, _ in tokens]
    logs = [math.log(probability) for _, probability in tokens]
    return answer_confidence(pieces, logs, output_format)


def test_tokens_inside_a_value_do_not_count() -> None:
    tokens = [("weather(", 0.5), ("Par", 0.1), ("is", 0.1), (")", 0.5), ("", 0.5)]
    assert _confidence(tokens) == pytest.approx(0.125)


def test_a_token_that_is_partly_structure_counts() -> None:
    assert _confidence([("say(x", 0.5), ("y)", 0.5), ("", 1.0)]) == pytest.approx(0.25)


def test_the_separator_of_two_values_counts() -> None:
    tokens = [("f(", 1.0), ("a", 0.1), (",", 0.5), ("b", 0.1), (")", 1.0), ("", 1.0)]
    assert _confidence(tokens) == pytest.approx(0.5)


def test_the_end_counts() -> None:
    assert _confidence([("bye()", 1.0), ("", 0.25)]) == pytest.approx(0.25)


def test_json_values_do_not_count() -> None:
    tokens = [('[{"intent": "w", "parameters": [', 0.5), ('"Pa', 0.1), ('ris"', 0.1), ("]}]", 1.0)]
    assert _confidence(tokens, "json") == pytest.approx(0.5)


def test_an_answer_whose_every_token_was_forced_is_certain() -> None:
    assert answer_confidence(["bye()", ""], [0.0, 0.0], "call") == 1.0


@given(
    st.lists(st.tuples(st.text('f(),;"[]{} a', max_size=4), st.floats(-50, 0)), max_size=8),
    st.sampled_from(["call", "json"]),
)
def test_it_is_a_probability_of_any_text(
    tokens: list[tuple[str, float]], output_format: OutputFormat
) -> None:
    pieces, logs = [text for text, _ in tokens], [log for _, log in tokens]
    assert 0.0 <= answer_confidence(pieces, logs, output_format) <= 1.0
