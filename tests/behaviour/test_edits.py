"""Edits of rows: what they keep, what they change, and to which rows they apply."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.artifacts.behaviour import (
    BEHAVIOUR_KINDS,
    INVARIANCE_KINDS,
    BehaviourKind,
    EditedText,
)
from intentflow.behaviour.cases import make_cases
from intentflow.behaviour.rows import Suite
from intentflow.behaviour.utterance import Utterance, occurrences, words_of
from intentflow.calls import Call, format_calls, parse_calls
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy
from tests.behaviour.rows import CHINESE, ENGLISH, TAXONOMY, suite

SEEDS = st.integers(0, 10_000)
LANGUAGES = {"English": ENGLISH, "Chinese": CHINESE}
DIRECTIONAL = sorted(set(BEHAVIOUR_KINDS) - INVARIANCE_KINDS)


def _cases(
    examples: list[Example], *kinds: BehaviourKind, seed: int = 0, taxonomy: Taxonomy = TAXONOMY
) -> list[EditedText]:
    return make_cases(suite(examples, taxonomy), kinds or BEHAVIOUR_KINDS, 100, seed).cases


@pytest.mark.parametrize("language", LANGUAGES)
@given(seed=SEEDS)
def test_an_edit_of_the_surface_keeps_the_label(language: str, seed: int) -> None:
    cases = _cases(LANGUAGES[language], *INVARIANCE_KINDS, seed=seed)
    assert [case for case in cases if case.edited_output != case.output] == []


@pytest.mark.parametrize("language", LANGUAGES)
@given(seed=SEEDS)
def test_an_edit_of_the_surface_keeps_every_value_that_stands_in_the_text(
    language: str, seed: int
) -> None:
    lost = [
        (case.edited, value)
        for case in _cases(LANGUAGES[language], *INVARIANCE_KINDS, seed=seed)
        for call in parse_calls(case.output)
        for value in call.parameters
        if value in case.instruction and not occurrences(case.edited, value)
    ]
    assert lost == []


@pytest.mark.parametrize("language", LANGUAGES)
@given(seed=SEEDS)
def test_only_the_case_edit_changes_how_a_value_is_written(language: str, seed: int) -> None:
    kinds = sorted(INVARIANCE_KINDS - {"casing"})
    changed = [
        (case.edited, value)
        for case in _cases(LANGUAGES[language], *kinds, seed=seed)
        for call in parse_calls(case.output)
        for value in call.parameters
        if value in case.instruction and value not in case.edited
    ]
    assert changed == []


@pytest.mark.parametrize("language", LANGUAGES)
@given(seed=SEEDS)
def test_every_edit_changes_the_text(language: str, seed: int) -> None:
    cases = _cases(LANGUAGES[language], seed=seed)
    assert cases
    assert [case for case in cases if case.edited == case.instruction] == []


@pytest.mark.parametrize("language", LANGUAGES)
@given(seed=SEEDS)
def test_another_value_changes_exactly_one_parameter_of_the_label(language: str, seed: int) -> None:
    cases = _cases(LANGUAGES[language], "other_value", seed=seed)
    assert cases
    for case in cases:
        (pair,) = _different_values(case)
        assert case.edited == case.instruction.replace(*pair)


def _different_values(case: EditedText) -> list[tuple[str, str]]:
    """Old and new value of each parameter that differs; the intents must be the same."""
    before, after = parse_calls(case.output), parse_calls(case.edited_output or "")
    assert [(c.intent, len(c.parameters)) for c in before] == [
        (c.intent, len(c.parameters)) for c in after
    ]
    old = [value for call in before for value in call.parameters]
    new = [value for call in after for value in call.parameters]
    return [(a, b) for a, b in zip(old, new, strict=True) if a != b]


VALUES = st.lists(
    st.text(st.sampled_from("abAB 1上海"), min_size=1, max_size=5).map(str.strip).filter(bool),
    min_size=2,
    max_size=5,
)


@given(values=VALUES, seed=SEEDS)
def test_another_value_is_exact_in_any_text(values: list[str], seed: int) -> None:
    # Values that contain one another, repeat, or stand in the rest of the text.
    taxonomy = Taxonomy(intents={"a": Intent(parameters=["x", "y"])})
    calls = [Call("a", (first, second)) for first, second in pairwise(values)]
    rows = [
        Example(f"ab {call.parameters[0]} then {call.parameters[1]}", format_calls([call]))
        for call in calls
    ]
    for case in _cases(rows, "other_value", seed=seed, taxonomy=taxonomy):
        (pair,) = _different_values(case)
        places = occurrences(case.instruction, pair[0])
        assert len(places) == 1
        (start, end) = places[0]
        assert case.edited == case.instruction[:start] + pair[1] + case.instruction[end:]


def test_another_value_is_an_allowed_one() -> None:
    taxonomy = Taxonomy(
        intents={"light": Intent(parameters=["state"], values={"state": ["on", "off"]})}
    )
    rows = [Example("turn the light on", "light(on)")]
    [case] = _cases(rows, "other_value", taxonomy=taxonomy)
    assert case.edited_output == "light(off)"


@given(seed=SEEDS)
def test_a_typo_makes_a_word_that_no_row_holds(seed: int) -> None:
    known = words_of([row.instruction for row in ENGLISH])
    for case in _cases(ENGLISH, "typos", seed=seed):
        new = words_of([case.edited]) - words_of([case.instruction])
        assert len(new) == 1
        assert not new & known


def test_a_dialogue_keeps_the_order_of_its_rounds() -> None:
    text = "i need a hotel in the centre. now i need a taxi to it"
    one, two = Example(text, "hotel()", rounds=1), Example(text, "hotel()", rounds=2)
    taxonomy = Taxonomy(intents={"hotel": Intent()})
    assert len(_cases([one], "clause_order", taxonomy=taxonomy)) == 1
    assert _cases([two], "clause_order", taxonomy=taxonomy) == []


def test_clauses_that_share_a_calls_values_keep_their_order() -> None:
    # The label may give its values in the order of the text.
    row = Example("i want to go to Rome, then i go to Oslo", "trip(Rome,Oslo)")
    taxonomy = Taxonomy(intents={"trip": Intent(parameters=["first", "second"])})
    assert _cases([row], "clause_order", taxonomy=taxonomy) == []


def test_clauses_of_two_calls_are_exchanged() -> None:
    row = Example("play the songs of Queen, book me a table!", "play_music(Queen); book_table()")
    [case] = _cases([row], "clause_order")
    assert case.edited == "book me a table, play the songs of Queen!"


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("Book a table at Da Vinci", "don't book a table at Da Vinci"),
        ("I want to book a table", "i don't want to book a table"),
        ("could you book a table", "could you please not book a table"),
        ("帮我预订一家餐厅", "不要帮我预订一家餐厅"),
        ("预订一家餐厅", "不要预订一家餐厅"),
    ],
)
def test_a_request_is_negated(text: str, edited: str) -> None:
    rows = [*ENGLISH, Example(text, "book_table()")]  # enough of them for a language
    [case] = [case for case in _cases(rows, "negation") if case.instruction == text]
    assert (case.edited, case.edited_output) == (edited, None)


def test_a_question_is_not_negated() -> None:
    assert _cases([Example("what is the weather in Rome", "weather(Rome)")], "negation") == []


@given(seed=SEEDS)
def test_an_injection_asks_for_the_answer_of_another_intent(seed: int) -> None:
    for case in _cases(ENGLISH, "prompt_injection", seed=seed):
        added = case.edited.removeprefix(case.instruction.rstrip("?!. "))
        own = {call.intent for call in parse_calls(case.output)}
        named = {name for name in TAXONOMY.intents if f"{name}(" in added}
        assert len(named) == 1
        assert not named & own


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_near_the_subject_has_the_out_of_scope_label(language: str) -> None:
    cases = _cases(LANGUAGES[language], "near_out_of_scope")
    assert cases
    assert {case.edited_output for case in cases} == {"oos()"}


def test_no_question_is_asked_that_an_intent_covers() -> None:
    covered = Taxonomy(
        intents={
            **TAXONOMY.intents,
            "write_poem": Intent(),
            "inventor": Intent(description="who was the inventor of it"),
        },
        out_of_scope="oos",
    )
    texts = [c.edited for c in _cases(ENGLISH, "near_out_of_scope", taxonomy=covered)]
    assert texts
    assert [text for text in texts if "poem" in text or "invented" in text] == []


def test_a_polite_phrase_that_an_intent_is_named_after_is_not_used() -> None:
    taxonomy = Taxonomy(intents={**TAXONOMY.intents, "thank_you": Intent()})
    for seed in range(5):
        cases = _cases(ENGLISH, "politeness", seed=seed, taxonomy=taxonomy)
        assert [case.edited for case in cases if "thank" in case.edited] == []


@pytest.mark.parametrize("kind", ["negation", "near_out_of_scope"])
def test_a_kind_that_needs_an_out_of_scope_intent_is_skipped_without_one(
    kind: BehaviourKind,
) -> None:
    taxonomy = Taxonomy(intents=TAXONOMY.intents)
    made = make_cases(suite(ENGLISH, taxonomy), [kind], 10, 0)
    assert made.cases == []
    [skipped] = made.skipped
    assert "out_of_scope" in skipped.reason


def test_a_kind_that_does_not_apply_to_a_language_is_reported_as_skipped() -> None:
    made = make_cases(suite(CHINESE), ["casing"], 10, 0)
    assert made.cases == []
    assert [(one.kind, one.rows) for one in made.skipped] == [("casing", len(CHINESE))]


def test_rows_in_a_language_without_words_are_reported_as_skipped() -> None:
    german = [
        Example(f"Bitte spiele jetzt sofort die schönen Lieder von {name}", f"play_music({name})")
        for name in ("Nena", "Falco", "Udo", "Herbert")
    ]
    made = make_cases(suite(german), ["fillers", "typos"], 10, 0)
    assert {case.kind for case in made.cases} == {"typos"}
    assert [(one.kind, one.language, one.rows) for one in made.skipped] == [
        ("fillers", "German", 4)
    ]


def test_the_same_seed_gives_the_same_cases() -> None:
    assert _cases(ENGLISH, seed=7) == _cases(ENGLISH, seed=7)


def test_another_seed_gives_other_cases() -> None:
    assert _cases(ENGLISH, seed=7) != _cases(ENGLISH, seed=8)


def test_the_cases_of_a_kind_do_not_depend_on_the_other_kinds() -> None:
    alone = _cases(ENGLISH, "fillers")
    assert [case for case in _cases(ENGLISH) if case.kind == "fillers"] == alone


def test_a_kind_has_at_most_the_number_of_cases_that_is_asked_for() -> None:
    assert len(make_cases(suite(ENGLISH), ["casing"], 3, 0).cases) == 3


@given(text=st.text(max_size=40), seed=SEEDS)
def test_any_text_can_be_edited(text: str, seed: int) -> None:
    rows = [
        Utterance(1, text or "x", "oos()", (Call("oos"),), language)
        for language in ("English", "Chinese", None)
    ]
    random.Random(seed).shuffle(rows)
    for case in make_cases(Suite(rows, TAXONOMY), BEHAVIOUR_KINDS, 3, seed).cases:
        assert case.edited != case.instruction
