"""Scores of rows with several intents, and of each parameter, counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.artifacts.answer_scores import ParameterScores
from intentflow.evaluation.parameter_scores import parameter_scores
from intentflow.evaluation.scored_rows import Scored, score_row
from intentflow.evaluation.several_intents import several_intents_scores
from intentflow.taxonomy import Intent, Taxonomy

TAXONOMY = Taxonomy(intents={"fly": Intent(parameters=["origin", "destination"]), "stop": Intent()})


def _rows(*pairs: tuple[str, str]) -> list[Scored]:
    return [score_row("u", gold, guess) for gold, guess in pairs]


ROWS = _rows(
    ("fly(Oslo,Rome); stop()", "fly(Oslo,Rome); stop()"),
    ("fly(Oslo,Rome); stop()", "fly(Oslo,Paris)"),
    ("stop()", "stop(); stop()"),
    ("stop()", "stop()"),
)


def test_the_share_of_rows_with_several_intents() -> None:
    assert several_intents_scores(ROWS).share == 0.5


def test_the_accuracy_of_rows_with_several_intents() -> None:
    found = several_intents_scores(ROWS)
    assert (found.intent_accuracy, found.parameter_accuracy) == (0.5, 0.5)


def test_missed_and_surplus_calls_are_shares_of_all_calls() -> None:
    found = several_intents_scores(ROWS)
    assert (found.missed_rate, found.surplus_rate) == (
        pytest.approx(1 / 6),
        pytest.approx(1 / 6),
    )


def test_the_accuracy_by_number_of_calls() -> None:
    found = [
        (one.calls, one.n, one.intent_accuracy) for one in several_intents_scores(ROWS).by_calls
    ]
    assert found == [(1, 2, 0.5), (2, 2, 0.5)]


def test_rows_of_one_intent_have_no_accuracy_of_several() -> None:
    found = several_intents_scores(_rows(("stop()", "stop()")))
    assert (found.share, found.intent_accuracy, found.parameter_accuracy) == (0, None, None)


def test_no_rows_have_no_scores() -> None:
    found = several_intents_scores([])
    assert (found.share, found.missed_rate, found.by_calls) == (None, None, [])


def test_a_label_that_does_not_parse_has_no_number_of_calls() -> None:
    assert several_intents_scores(_rows(("no call", "stop()"))).by_calls == []


def test_an_answer_that_does_not_parse_misses_all_calls() -> None:
    found = several_intents_scores(_rows(("stop(); fly(a,b)", "stop")))
    assert (found.missed_rate, found.surplus_rate) == (1.0, None)


CALLS = st.sampled_from(["stop()", "fly(a,b)", "fly(a,c)", "stop(); fly(a,b)", "???"])


@given(st.lists(st.tuples(CALLS, CALLS), min_size=1, max_size=8), st.data())
def test_a_prediction_made_right_never_misses_more(
    pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(pairs) - 1))
    mended = [*pairs[:place], (pairs[place][0], pairs[place][0]), *pairs[place + 1 :]]
    before, after = (several_intents_scores(_rows(*it)).missed_rate or 0 for it in (pairs, mended))
    assert after <= before


def _scores(*pairs: tuple[str, str]) -> dict[tuple[str, str], ParameterScores]:
    return {(it.intent, it.parameter): it for it in parameter_scores(_rows(*pairs), TAXONOMY)}


def test_a_parameter_is_scored_by_its_name_in_the_taxonomy() -> None:
    found = _scores(
        ("fly(Oslo,Rome)", "fly(Oslo,Rome)"),
        ("fly(Oslo,Rome)", "fly(Oslo,Paris)"),
        ("fly(Oslo,Rome)", "fly(Oslo)"),
    )
    destination = found["fly", "destination"]
    assert (destination.support, destination.predicted, destination.correct) == (3, 2, 1)
    assert (destination.precision, destination.recall) == (0.5, pytest.approx(1 / 3))
    assert destination.f1 == pytest.approx(0.4)
    assert found["fly", "origin"].f1 == 1.0


def test_the_commonest_wrong_values_come_first() -> None:
    wrong = _scores(
        ("fly(a,Rome)", "fly(a,Paris)"),
        ("fly(a,Rome)", "fly(a,Oslo)"),
        ("fly(a,Rome)", "fly(a,Oslo)"),
    )["fly", "destination"].wrong
    assert [(it.gold, it.predicted, it.count) for it in wrong] == [
        ("Rome", "Oslo", 2),
        ("Rome", "Paris", 1),
    ]


def test_wrong_values_are_redacted() -> None:
    (wrong,) = _scores(("fly(a,Rome)", "fly(a,anna@example.com)"))["fly", "destination"].wrong
    assert "anna@example.com" not in wrong.predicted


def test_a_value_of_another_intent_is_missed_and_too_many() -> None:
    found = _scores(("fly(Oslo,Rome)", "call(Oslo)"))
    assert (found["fly", "origin"].recall, found["call", "parameter_1"].precision) == (0.0, 0.0)


def test_an_empty_value_is_none() -> None:
    found = _scores(('fly("",Rome)', 'fly("",Rome)'))
    assert list(found) == [("fly", "destination")]


def test_equal_calls_are_paired_first() -> None:
    found = _scores(("fly(a,b); fly(c,d)", "fly(c,d); fly(a,b)"))
    assert {it.f1 for it in found.values()} == {1.0}


def test_without_a_taxonomy_parameters_are_numbered() -> None:
    (found,) = parameter_scores(_rows(("play(jazz)", "play(jazz)")))
    assert (found.intent, found.parameter, found.f1) == ("play", "parameter_1", 1.0)
