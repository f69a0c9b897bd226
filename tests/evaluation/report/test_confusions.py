"""The data behind the confusion matrix."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from intentflow.evaluation.report.confusions import confusion_rows, matrix, neighbours
from intentflow.evaluation.scored_rows import NO_INTENT
from tests.evaluation.report.pages import evaluation, many

NAMES = st.sampled_from([*"abcdefgh", NO_INTENT])
PAIRS = st.lists(st.tuples(NAMES, NAMES, st.integers(1, 50)), max_size=30)


@given(PAIRS)
def test_every_confused_name_stands_once_in_the_order(pairs: list[tuple[str, str, int]]) -> None:
    order = neighbours(pairs)
    assert sorted(order) == sorted({name for pair in pairs for name in pair[:2]})


@given(PAIRS.filter(lambda pairs: NO_INTENT in {n for p in pairs for n in p[:2]}))
def test_no_intent_stands_last(pairs: list[tuple[str, str, int]]) -> None:
    assert neighbours(pairs)[-1] == NO_INTENT


def test_groups_that_are_confused_among_themselves_stay_together() -> None:
    order = neighbours([("a", "x", 9), ("b", "y", 8), ("x", "c", 7), ("z", "b", 6)])
    assert {frozenset(order[:3]), frozenset(order[3:])} == {frozenset("axc"), frozenset("byz")}


def test_the_pair_that_joins_two_groups_is_close() -> None:
    order = neighbours([("a", "b", 9), ("c", "d", 8), ("a", "d", 7)])
    assert abs(order.index("a") - order.index("d")) == 1


def test_counts_of_the_picture_are_those_of_the_scores() -> None:
    metrics = many(400, 12).metrics
    picture = matrix(metrics, examples=False)
    names = picture["names"]
    found = {(names[gold], names[guess]): count for gold, guess, count, _ in picture["pairs"]}
    assert found == {(c.gold, c.predicted): c.count for c in metrics.confusion}


def test_an_intent_that_nobody_confuses_is_not_in_the_picture() -> None:
    metrics = evaluation(("a", "play()", "sing()"), ("b", "stop()", "stop()")).metrics
    assert sorted(matrix(metrics, examples=False)["names"]) == ["play", "sing"]


def test_a_name_that_a_model_made_up_is_redacted_and_cut() -> None:
    metrics = evaluation(("a", "play()", f"anna@example.com{'x' * 60}(y)")).metrics
    names = matrix(metrics, examples=False)["names"]
    assert any("{{EMAIL}}" in name or "more characters" in name for name in names)
    assert not any("anna@example.com" in name for name in names)


def test_pairs_beyond_the_list_are_counted() -> None:
    rows = [(f"{n}", f"gold_{n}()", "sing()") for n in range(400)]
    found = confusion_rows(evaluation(*rows).metrics.confusion)
    assert (len(found["first"]), len(found["more"]), found["left_out"]) == (20, 300, 80)
