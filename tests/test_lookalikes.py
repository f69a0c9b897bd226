"""Texts that look the same are compared as the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import Call, parse_calls, same_calls, same_intents
from intentflow.conversion.label_meaning import meaning
from intentflow.curation import curate
from intentflow.curation.dedup import find_duplicates
from intentflow.evaluation.scored_rows import score_row
from intentflow.lookalikes import common_spellings, comparable
from intentflow.records import Example
from intentflow.validation import validate

NAME = "đặt_hàng"
SPELLINGS = [
    unicodedata.normalize("NFD", NAME),
    NAME + "\u200b",
    "\u200e" + NAME,
    "\ufeff" + NAME,
    NAME[:3] + "\u00ad" + NAME[3:],
]
ROWS = [
    *(Example(f"tôi muốn mua cái {n}", f"{NAME}()") for n in range(4)),
    *(Example(f"cho tôi đặt {n}", f"{name}({n})") for n, name in enumerate(SPELLINGS)),
    Example("huỷ đơn", "huỷ()"),
]


@pytest.mark.parametrize("other", SPELLINGS)
def test_a_spelling_that_looks_the_same_is_comparable(other: str) -> None:
    assert comparable(other) == comparable(NAME) == NAME


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_comparing_again_changes_nothing(text: str) -> None:
    assert comparable(comparable(text)) == comparable(text)


@pytest.mark.parametrize("other", [*SPELLINGS, NAME.upper()])
def test_names_that_look_alike_are_a_finding_with_the_fix(other: str) -> None:
    rows = [*ROWS[:4], Example("mua đi", f"{other}()"), ROWS[-1]]
    (found,) = [it for it in validate(rows).findings if it.code == "lookalike_intents"]
    assert (found.count, "--normalise-labels" in found.advice) == (1, True)


def test_different_names_are_no_finding() -> None:
    codes = {it.code for it in validate([*ROWS[:4], ROWS[-1]]).findings}
    assert "lookalike_intents" not in codes


def test_labels_get_their_most_frequent_spelling() -> None:
    result = curate(ROWS, redact=False, dedup="none", normalise_labels=True)
    names = {call.intent for row in result.examples for call in parse_calls(row.output)}
    assert names == {NAME, "huỷ"}


def test_normalised_labels_are_listed_as_changes() -> None:
    result = curate(ROWS, redact=False, dedup="none", normalise_labels=True)
    assert result.counts()["label_normalised"] == len(SPELLINGS)


def test_values_stay_as_labelled_when_names_are_normalised() -> None:
    rows = [Example("a", 'Stop( x ,"y;(")'), Example("b", "stop()"), Example("c", "stop()")]
    result = curate(rows, redact=False, dedup="none", normalise_labels=True)
    assert result.examples[0].output == 'stop( x ,"y;(")'


def test_labels_stay_without_the_option() -> None:
    assert curate(ROWS, redact=False, dedup="none").examples == ROWS


def test_a_name_that_nothing_looks_like_stays() -> None:
    assert common_spellings([SPELLINGS[0], "huỷ"]) == {}


@pytest.mark.parametrize("mark", ["\u200b", "\u200d", "\u200f", "\ufeff", "\u2066"])
def test_an_invisible_mark_makes_no_other_utterance(mark: str) -> None:
    rows = [Example("mua hàng", "a()"), Example(f"mua{mark} hàng", "a()")]
    assert find_duplicates(rows).duplicates == [(1, 0)]


def test_an_invisible_mark_hides_no_conflict() -> None:
    rows = [Example("mua hàng", "a()"), Example("mua hàng\u200b", "b()")]
    assert find_duplicates(rows).conflicts == [(1, 0)]


@pytest.mark.parametrize("other", SPELLINGS)
def test_votes_and_scores_compare_what_is_seen(other: str) -> None:
    row = score_row("mua", f"{NAME}({NAME})", f"{other}({other})")
    assert (row.intent_right, row.parameters_right) == (True, True)
    assert meaning(f"{other}()") == meaning(f"{NAME}()")


@pytest.mark.parametrize("other", SPELLINGS)
def test_calls_that_look_the_same_are_the_same(other: str) -> None:
    calls, others = [Call(NAME, (other,))], [Call(other, (NAME,))]
    assert same_intents(calls, others) and same_calls(calls, others)
