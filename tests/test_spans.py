"""Spans: what may be copied from an utterance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.spans import is_span, text_pieces

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TEXTS)
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(text_pieces(text)) == text


@given(TEXTS, st.data())
def test_every_run_of_pieces_is_a_span(text: str, data: st.DataObject) -> None:
    pieces = text_pieces(text)
    start = data.draw(st.integers(0, len(pieces)))
    end = data.draw(st.integers(start, len(pieces)))
    run = "".join(pieces[start:end])
    assert is_span(run, text) == bool(run)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Roads End", "a brasserie in Roads End"),
        ("3.5", "rate it 3.5 of 6"),
        ("ines's", "add it to ines's list"),
        ("杭州", "我想去杭州看天气"),
        ("东京", "東京タワーから东京"),
        ("Réunion", "humid in Otsego Réunion"),
        ("me", "some for me"),
    ],
)
def test_is_a_span(value: str, text: str) -> None:
    assert is_span(value, text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Road", "a brasserie in Roads End"),
        ("roads end", "a brasserie in Roads End"),
        ("me", "some for you"),
        ("", "anything"),
        ("Roads  End", "Roads End"),
    ],
)
def test_is_no_span(value: str, text: str) -> None:
    assert not is_span(value, text)
