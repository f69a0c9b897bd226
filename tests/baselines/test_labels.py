"""The label that a classifier learns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.baselines.labels import LabelledTexts, intents_label
from intentflow.calls import Call, format_calls, parse_calls, same_intents
from intentflow.errors import IntentflowError
from intentflow.records import Example

CALLS = st.lists(
    st.builds(
        Call,
        st.from_regex(r"[\w?.]+( [\w?.]+)?", fullmatch=True),
        st.lists(st.text(max_size=5), max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=4,
)


@given(CALLS)
def test_a_label_names_the_intents_of_the_answer(calls: list[Call]) -> None:
    label = intents_label(format_calls(calls))
    assert label is not None
    assert same_intents(parse_calls(label), calls)


@given(CALLS)
def test_a_label_holds_no_parameter(calls: list[Call]) -> None:
    label = intents_label(format_calls(calls))
    assert all(call.parameters == () for call in parse_calls(label or ""))


@given(CALLS, st.randoms())
def test_the_order_of_calls_makes_no_other_label(calls: list[Call], chance: object) -> None:
    shuffled = sorted(calls, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert intents_label(format_calls(shuffled)) == intents_label(format_calls(calls))


def test_an_intent_twice_is_another_label_than_once() -> None:
    assert intents_label("find(a); find(b)") != intents_label("find(a)")


def test_an_answer_that_does_not_parse_has_no_label() -> None:
    assert intents_label("find(") is None


def test_rows_without_a_label_are_left_out_and_counted() -> None:
    labelled = LabelledTexts.of(
        [Example("a", "find(x)"), Example("b", "find("), Example("c", "go()")]
    )
    assert (labelled.texts, labelled.labels) == (["a", "c"], ["find()", "go()"])
    assert labelled.left_out == 1


def test_rows_of_which_none_has_a_label_are_refused() -> None:
    with pytest.raises(IntentflowError, match="no training row has a label that parses"):
        LabelledTexts.of([Example("a", "find(")])
