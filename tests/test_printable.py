"""What is shown steers no terminal and forges no line."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.printable import json_text, printable

_ANY = st.text(st.characters(codec=None))


@pytest.mark.parametrize(
    "text", ["", "weather_search(杭州)", "naïve – “quoted”", "👩‍👩‍👧", "مرحبا"]
)
def test_what_people_read_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("over\rwritten", r"over\rwritten"),
        ("\x9b2J", r"\x9b2J"),
        ("a\u2028b", r"a\u2028b"),
        ("a\u202eb", r"a\u202eb"),
        ("\0", r"\x00"),
    ],
)
def test_what_steers_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(text=_ANY)
def test_nothing_that_steers_is_left(text: str) -> None:
    shown = printable(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in shown)
    assert len(shown.splitlines()) <= 1


@given(text=_ANY)
def test_lines_stay_where_lines_are_shown(text: str) -> None:
    assert printable(text, lines=True).count("\n") == text.count("\n")


@given(text=_ANY)
def test_json_reads_back_and_controls_nothing(text: str) -> None:
    shown = json_text({"name": text})
    assert json.loads(shown)["name"] == json.loads(json.dumps(text))
    assert printable(shown) == shown
