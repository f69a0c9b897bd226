"""Backtest: nothing of the future is seen, policies spend labels as they state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.linear import fit_linear
from intentflow.errors import InputError
from intentflow.feedback.backtest.dated_rows import DatedRow, windows_of
from intentflow.feedback.backtest.replay import Answering, ReplaySettings, replay
from intentflow.feedback.drift.policy import DriftPolicy
from tests.feedback.drift_rows import answers

START = datetime(2026, 9, 7, tzinfo=UTC)
POLICY = DriftPolicy(minimum_requests=60, minimum_reference=60)
ROWS = 80


def _rows(weeks: int, new_from: int) -> list[DatedRow]:
    """Weeks of rows; from one week on half of them have an intent that was not there before."""
    rows = []
    for week in range(weeks):
        made = answers(ROWS, week)
        if week >= new_from:
            tables = [f"reserve a table for {number}" for number in range(2, 12)]
            made = made[: ROWS // 2] + [(text, "book(x)", 0.5) for text in tables * (ROWS // 20)]
        for number, (text, call, _) in enumerate(made):
            time = START + timedelta(days=7 * week, minutes=number)
            rows.append(DatedRow(time, text, call.replace("(x)", "()")))
    return rows


ALL = _rows(5, 2)
SETTINGS = ReplaySettings(drift=POLICY)


@pytest.fixture(scope="module")
def courses() -> dict:
    return {course.policy: course for course in replay(ALL, SETTINGS).policies}


def test_a_model_that_never_learns_again_misses_the_new_intent(courses: dict) -> None:
    assert [one.accuracy for one in courses["never"].windows] == [1.0, 0.5, 0.5, 0.5]
    assert (courses["never"].labels, courses["never"].trainings) == (ROWS, 1)


def test_weekly_retraining_knows_it_a_week_later_and_buys_every_label(courses: dict) -> None:
    assert [one.accuracy for one in courses["weekly"].windows] == [1.0, 0.5, 1.0, 1.0]
    assert (courses["weekly"].labels, courses["weekly"].trainings) == (5 * ROWS, 5)


def test_retraining_on_drift_buys_the_labels_of_the_weeks_that_differ(courses: dict) -> None:
    drift = courses["drift"]
    assert [one.retrained for one in drift.windows][:2] == [False, True]
    assert [one.accuracy for one in drift.windows] == [1.0, 0.5, 1.0, 1.0]
    assert drift.labels < courses["weekly"].labels


def test_policies_are_compared_only_where_they_look(courses: dict) -> None:
    assert [one.drift for one in courses["weekly"].windows] == [None] * 4
    assert None not in [one.drift for one in courses["drift"].windows]


@pytest.mark.parametrize("week", [1, 2, 3, 4])
def test_labels_of_a_week_play_no_part_in_its_predictions_nor_before(week: int) -> None:
    asked: list[list[list[str]]] = [[], []]

    def recorded(run: int):
        def fit(training: LabelledTexts) -> Answering:
            model = fit_linear(training)

            class Recording:
                def answer(self, utterances: Sequence[str]) -> tuple[list[str], list[float]]:
                    found = model.answer(utterances)
                    asked[run].append(found[0])
                    return found

            return Recording()

        return fit

    changed = [
        replace(row, label="changed()" if row.text.startswith("play") else "other()")
        if row.time >= START + timedelta(days=7 * week)
        else row
        for row in ALL
    ]
    settings = replace(SETTINGS, policies=("weekly",))
    replay(ALL, settings, recorded(0))
    replay(changed, settings, recorded(1))
    assert asked[0][:week] == asked[1][:week]
    assert week == 4 or asked[0] != asked[1]


def test_models_learn_from_earlier_weeks_alone() -> None:
    learned: list[set[str]] = []

    def fit(training: LabelledTexts) -> Answering:
        learned.append(set(training.texts))
        return fit_linear(training)

    marked = [replace(row, text=f"{row.text} week{(row.time - START).days // 7}") for row in ALL]
    replay(marked, replace(SETTINGS, policies=("weekly",)), fit)
    newest = [max(int(text.rpartition("week")[2]) for text in texts) for texts in learned]
    assert newest == [0, 1, 2, 3]


def test_weeks_without_rows_are_shown_and_train_nothing() -> None:
    rows = [row for row in ALL if (row.time - START).days // 7 != 1]
    report = replay(rows, replace(SETTINGS, policies=("weekly",)))
    assert [window.rows for window in report.windows] == [ROWS, 0, ROWS, ROWS, ROWS]
    empty = report.policies[0].windows[0]
    assert (empty.accuracy, empty.labels, empty.retrained) == (None, 0, False)


def test_windows_are_cut_at_midnight_and_have_no_gap() -> None:
    rows = [DatedRow(START + timedelta(hours=hours), "a", "b()") for hours in (23, 24 * 7, 24 * 20)]
    windows = windows_of(rows, 7)
    assert [len(window.rows) for window in windows] == [1, 1, 1]
    assert [window.start for window in windows] == [START + timedelta(days=7 * n) for n in range(3)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ALL[:ROWS], "the rows cover 1 windows of 7 days; at least 2 are needed"),
        ([row for row in ALL if row.label == "play()"], "all training rows have the label play"),
    ],
)
def test_rows_that_teach_nothing_are_refused(rows: list[DatedRow], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replay(rows, SETTINGS)
