"""Full-width call syntax."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import CallSyntaxError, parse_calls
from intentflow.conversion.fullwidth import normalise_syntax


@pytest.mark.parametrize(
    ("label", "utterance", "expected"),
    [
        ("查天气（杭州）", "杭州天气", "查天气(杭州)"),
        ("f（杭州)", "杭州天气", "f(杭州)"),
        ("f(杭州）", "杭州天气", "f(杭州)"),
        ("f（杭州，明天）", "杭州明天的天气", "f(杭州,明天)"),
        ("f(杭州，明天)", "杭州明天的天气", "f(杭州,明天)"),
        ("f（）；g（x）", "x", "f();g(x)"),
        ("f(); g（x）", "x", "f(); g(x)"),
        ("f（a，b,c）", "a b c", "f(a,b,c)"),
    ],
)
def test_the_calls_own_syntax_becomes_ascii(label: str, utterance: str, expected: str) -> None:
    assert normalise_syntax(label, utterance) == expected


@pytest.mark.parametrize(
    ("label", "utterance"),
    [
        ("f(名称（前门店）)", "名称（前门店）在哪"),
        ("f(你好，再见)", "播放你好，再见"),
        ("f(你好，再见)", "说不清"),
        ("f(a；b)", "a；b"),
        ("f(:）)", ":）"),
        ("f(杭州)", "杭州"),
        ("f(a", "（"),
    ],
)
def test_a_mark_inside_a_value_stays(label: str, utterance: str) -> None:
    assert normalise_syntax(label, utterance) == label


def test_a_comma_that_stands_in_the_utterance_belongs_to_the_value() -> None:
    assert normalise_syntax("播放（你好，再见，周杰伦）", "播放周杰伦的你好，再见") == (
        "播放(你好，再见,周杰伦)"
    )


def test_inner_parentheses_stay_full_width() -> None:
    assert normalise_syntax("f（包子铺（前门店））", "去包子铺（前门店）") == "f(包子铺（前门店）)"


@given(st.text("fg(),;（），； ab"), st.text("ab，"))
def test_a_label_that_parsed_still_parses(label: str, utterance: str) -> None:
    try:
        parse_calls(label)
    except CallSyntaxError:
        return
    assert parse_calls(normalise_syntax(label, utterance))
