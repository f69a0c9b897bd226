"""What the evaluation step tells the Kubeflow page."""

from __future__ import annotations

from intentflow.evaluation.scored_rows import NO_INTENT
from intentflow.pipeline.steps.evaluate import confusion_matrix, headline
from tests.evaluation.report.pages import evaluation, many


def test_the_matrix_counts_gold_by_predicted() -> None:
    metrics = evaluation(("a", "play()", "sing()"), ("b", "play()", "play()")).metrics
    assert confusion_matrix(metrics) == (["play", "sing"], [[1, 1], [0, 0]])


def test_an_answer_without_an_intent_has_the_last_column() -> None:
    metrics = evaluation(("a", "play()", "play(")).metrics
    assert confusion_matrix(metrics)[0] == ["play", NO_INTENT]


def test_of_many_intents_the_most_confused_50_and_the_others_together_are_shown() -> None:
    names, counts = confusion_matrix(many(3_000, 150).metrics)
    assert (len(names), names[-1]) == (51, "100 other intents")
    assert [len(row) for row in counts] == [51] * 51


def test_no_row_is_lost_where_intents_are_counted_together() -> None:
    _, counts = confusion_matrix(many(3_000, 150).metrics)
    assert sum(map(sum, counts)) == 3_000


def test_the_most_confused_intents_are_the_ones_that_stay() -> None:
    rows = [(f"{n}", f"intent_{n:03}()", f"intent_{n:03}()") for n in range(80)]
    confused = [("x", "intent_070()", "intent_071()")] * 3
    names, _ = confusion_matrix(evaluation(*rows, *confused).metrics)
    assert {"intent_070", "intent_071"} <= set(names)


def test_the_headline_has_the_calibration_error_where_confidences_are_known() -> None:
    assert "calibration_ece" in headline(many(40, 4).metrics)


def test_what_was_not_measured_is_not_in_the_headline() -> None:
    found = headline(evaluation(("a", "play()", "play()")).metrics)
    assert {"calibration_ece", "oos_recall", "rows_per_second"} & set(found) == set()
