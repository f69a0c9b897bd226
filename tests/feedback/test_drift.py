"""Drift: planted shifts are found, halves of one set raise no alarm, the policy decides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.artifacts.drift import DriftReport, DriftStatistic
from intentflow.errors import InputError
from intentflow.feedback.drift.measurement import measure_drift
from intentflow.feedback.drift.policy import DriftPolicy
from intentflow.feedback.drift.rows import AnsweredRows
from tests.feedback.drift_rows import Answer, answered, answers
from tests.public_sets import sample

COUNT = 400


def _with(planted: list[Answer], seed: int = 2) -> AnsweredRows:
    return AnsweredRows.of(answers(COUNT - len(planted), seed) + planted)


def _found(requests: AnsweredRows, name: str, **policy: object) -> DriftStatistic:
    report = measure_drift(answered(COUNT, 1), requests, DriftPolicy(**policy), out_of_scope="oos")
    return next(one for one in report.statistics if one.name == name)


def test_halves_of_one_set_raise_no_alarm() -> None:
    found = [measure_drift(answered(COUNT, 2 * n), answered(COUNT, 2 * n + 1)) for n in range(6)]
    # At most one in a hundred each; two of six have a probability of 1 in 700.
    assert sum(report.action != "none" for report in found) <= 1


def test_a_new_intent_is_found_by_its_words() -> None:
    new: list[Answer] = [("reserve a table for two", "play(x)", 0.7)] * 20
    found = _found(_with(new), "phrasing")
    assert found.action != "none"
    assert found.changes[0].name in ("a", "a table", "reserve", "reserve a", "table", "two") or (
        "table" in {change.name for change in found.changes}
    )


def test_a_new_intent_is_far_from_the_training_rows() -> None:
    new: list[Answer] = [("reserve a table for two", "play(x)", 0.7)] * 40
    assert _found(_with(new), "nearness").action != "none"
    assert _found(_with(new), "unknown_words").action != "none"


def test_a_doubled_intent_is_found() -> None:
    report = measure_drift(answered(COUNT, 1, play_share=0.2), answered(COUNT, 2, play_share=0.4))
    found = next(one for one in report.statistics if one.name == "intents")
    assert (found.action, found.changes[0].name) == ("alert", "play")


def test_another_language_is_found() -> None:
    rows = json.loads(sample("crosswoz_zh").read_text(encoding="utf-8"))[:20]
    foreign: list[Answer] = [(row["instruction"], "play(x)", 0.8) for row in rows]
    found = _found(_with(foreign), "language")
    assert found.action != "none"
    assert "Chinese" in {change.name for change in found.changes}


def test_a_lower_confidence_is_found_and_a_higher_one_is_no_drift() -> None:
    def moved(by: float) -> AnsweredRows:
        rows = answers(COUNT, 2)
        return AnsweredRows.of((text, call, (value or 0) + by) for text, call, value in rows)

    assert _found(moved(-0.2), "confidence").action == "retrain"
    assert _found(moved(+0.2), "confidence").action == "none"


def test_more_requests_out_of_scope_are_found() -> None:
    oos: list[Answer] = [("play it now please", "oos()", 0.8)] * 30
    assert _found(_with(oos), "out_of_scope").action != "none"


def test_longer_requests_are_an_alert_and_no_reason_to_retrain() -> None:
    rows = [(f"{text} {text}", call, value) for text, call, value in answers(COUNT, 2)]
    assert _found(AnsweredRows.of(rows), "length").action == "alert"


def test_each_intent_has_an_index_with_an_interval() -> None:
    report = measure_drift(answered(COUNT, 1, play_share=0.2), answered(COUNT, 2, play_share=0.8))
    cells = next(one for one in report.statistics if one.name == "intents").cells
    assert [cell.name for cell in cells] == ["play", "weather"]
    assert all(cell.interval[0] < cell.psi < cell.interval[1] for cell in cells)


def test_the_same_seed_gives_the_same_report() -> None:
    rows = answered(COUNT, 1), answered(COUNT, 2)
    assert measure_drift(*rows, seed=3) == measure_drift(*rows, seed=3)


def test_what_is_off_in_the_policy_is_not_compared() -> None:
    report = measure_drift(
        answered(COUNT, 1), answered(COUNT, 2), DriftPolicy(length={"enabled": False})
    )
    assert "length: off in the policy" in report.skipped
    assert "length" not in {one.name for one in report.statistics}


def test_a_rule_without_limits_asks_for_nothing() -> None:
    rule = {"alert": None, "retrain": None, "factor": None}
    report = measure_drift(
        answered(COUNT, 1, play_share=0.1),
        answered(COUNT, 2, play_share=0.9),
        DriftPolicy(intents=rule),
    )
    found = next(one for one in report.statistics if one.name == "intents")
    assert (found.action, found.adjusted_p_value < 0.01) == ("none", True)


def test_what_is_not_known_is_stated() -> None:
    bare = AnsweredRows.of((text, call, None) for text, call, _ in answers(COUNT, 1))
    skipped = measure_drift(bare, answered(COUNT, 2)).skipped
    assert [line.partition(":")[0] for line in skipped] == ["confidence", "out_of_scope"]


@pytest.mark.parametrize(
    ("reference", "requests", "message"),
    [
        (COUNT, 199, "199 requests are too few"),
        (99, COUNT, "99 reference rows are too few"),
    ],
)
def test_too_few_rows_are_refused(reference: int, requests: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure_drift(answered(reference, 1), answered(requests, 2))


def test_the_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "drift.json"
    report = measure_drift(answered(COUNT, 1), answered(COUNT, 2))
    report.write(path)
    assert DriftReport.read(path) == report


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"intents": {"alert": 0.3, "retrain": 0.2}}, "retrain 0.2 is below alert 0.3"),
        ({"intent": {}}, "did you mean intents"),
        ({"false_alarm_rate": 0}, "false_alarm_rate"),
        ({"false_alarm_rate": 1e-9}, "false_alarm_rate: expected a number from 0.0001 up"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(document: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        DriftPolicy.from_mapping(document, "drift.yaml")
