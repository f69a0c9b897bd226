"""Validation never fails on rows, whatever they hold."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intentflow.records import Example
from intentflow.validation import validate, validation_html
from tests.validation.rows import good_rows

_LABELS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["a()", "b(x)", "a(); b()", "a(", ";", "a(x,y)", 'a("x")', ""]),
)
_TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["", " ", "\ud800", "\0", "你好", "hello world", "jane@example.com", "x" * 999]
    ),
)
_ROWS = st.lists(st.builds(Example, _TEXTS, _LABELS), max_size=25)


@given(_ROWS, _ROWS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_rows_can_be_validated_and_reported(rows: list[Example], other: list[Example]) -> None:
    report = validate(rows, against={"other": other} if other else None)
    assert report.rows == len(rows)
    assert validation_html(report, name="any").startswith("<!doctype html>")


@pytest.mark.parametrize(
    "rows",
    [
        [Example("", "")],
        [Example("hello", "greet()")],
        [Example(" ", "a()")] * 50 + [Example("?", "b()")] * 50,
        [Example(f"{i}", "not a call") for i in range(50)],
        [Example(f"say {i}", "a()") for i in range(50)],
        [Example(f"say {i}", f"intent{i % 3000}()") for i in range(6000)],
    ],
    ids=["blank", "one row", "no words", "no label parses", "one intent", "thousands of intents"],
)
def test_odd_sets_give_a_report(rows: list[Example]) -> None:
    assert validate(rows).rows == len(rows)


def test_an_utterance_of_ten_megabytes_gives_a_report() -> None:
    rows = [*good_rows(10), Example("word " * 2_000_000, "a()")]
    assert any(finding.code == "over_long" for finding in validate(rows).findings)
