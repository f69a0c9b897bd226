"""The rules: which answers to an edited row are right."""

from __future__ import annotations

import pytest

from intentflow.artifacts.behaviour import INVARIANCE_KINDS, BehaviourKind, EditedText
from intentflow.behaviour.judging import judge


def _case(kind: BehaviourKind, edited_output: str | None = "play(jazz)") -> EditedText:
    return EditedText(
        kind=kind,
        row=1,
        instruction="play jazz",
        output="play(jazz)",
        edited="something else",
        edited_output=edited_output,
    )


@pytest.mark.parametrize("kind", sorted(INVARIANCE_KINDS))
def test_invariance_holds_for_a_wrong_answer_that_stays(kind: BehaviourKind) -> None:
    assert judge(_case(kind), "stop()", "stop()") is True


@pytest.mark.parametrize("kind", sorted(INVARIANCE_KINDS))
def test_invariance_is_broken_by_another_value(kind: BehaviourKind) -> None:
    assert judge(_case(kind), "play(jazz)", "play(blues)") is False


def test_invariance_is_broken_by_an_answer_that_becomes_right() -> None:
    assert judge(_case("typos"), "stop()", "play(jazz)") is False


def test_the_order_of_calls_is_free() -> None:
    assert judge(_case("clause_order"), "play(jazz); stop()", "stop(); play(jazz)") is True


@pytest.mark.parametrize(("kind", "holds"), [("casing", True), ("typos", False)])
def test_only_the_case_edit_compares_values_without_their_case(
    kind: BehaviourKind, holds: bool
) -> None:
    assert judge(_case(kind), "play(jazz)", "play(JAZZ)") is holds


def test_the_same_answer_that_does_not_parse_is_the_same() -> None:
    assert judge(_case("typos"), "play jazz", "play jazz") is True


def test_a_row_without_an_answer_is_not_judged() -> None:
    assert judge(_case("typos"), "", "play(jazz)") is None


def test_an_edited_row_without_an_answer_breaks_the_rule() -> None:
    assert judge(_case("typos"), "play(jazz)", "") is False


@pytest.mark.parametrize(
    ("answer", "edited_answer", "holds"),
    [
        ("play(jazz)", "play(blues)", True),
        ("play(jazz)", "play(jazz)", False),
        ("play(jazz)", "not a call", False),
        ("play(rock)", "play(blues)", None),
        ("not a call", "play(blues)", None),
    ],
)
def test_another_value_has_to_be_answered(
    answer: str, edited_answer: str, holds: bool | None
) -> None:
    assert judge(_case("other_value", "play(blues)"), answer, edited_answer) is holds


@pytest.mark.parametrize(
    ("answer", "edited_answer", "holds"),
    [
        ("play(jazz)", "stop()", True),
        ("play(rock)", "oos()", True),
        ("play(jazz)", "play(rock)", False),
        ("play(jazz)", "stop(); play(jazz)", False),
        ("play(jazz)", "not a call", False),
        ("stop()", "play(jazz)", None),
    ],
)
def test_a_negated_intent_must_not_be_answered(
    answer: str, edited_answer: str, holds: bool | None
) -> None:
    assert judge(_case("negation", None), answer, edited_answer) is holds


@pytest.mark.parametrize(
    ("edited_answer", "holds"), [("oos()", True), ("play(jazz)", False), ("oos(); stop()", False)]
)
def test_a_question_near_the_subject_is_out_of_scope(edited_answer: str, holds: bool) -> None:
    assert judge(_case("near_out_of_scope", "oos()"), "play(rock)", edited_answer) is holds


def test_answers_are_read_in_the_models_format() -> None:
    answer = '[{"intent": "play", "parameters": ["jazz"]}]'
    assert judge(_case("typos"), answer, answer.replace(" ", ""), "json") is True
