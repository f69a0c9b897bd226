"""Curves, threshold, speed, cost and the intents by harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.answer_scores import IntentScores
from intentflow.artifacts.confidence_scores import CalibrationScores
from intentflow.artifacts.metrics import Latency, Metrics, TokensPerRequest
from intentflow.errors import IntentflowError
from intentflow.evaluation.report import Prices
from intentflow.evaluation.report.curves import coverage_curve, reliability_curve, threshold_rows
from intentflow.evaluation.report.speed import (
    speed,
    thousand_requests,
    thousand_requests_by_token,
)
from intentflow.evaluation.report.summary import intent_rows
from tests.evaluation.report.pages import evaluation, many, page


def _intent(correct: int, support: int, predicted: int) -> IntentScores:
    recall = correct / support
    return IntentScores(
        precision=correct / predicted if predicted else None,
        recall=recall,
        f1=recall,
        support=support,
        predicted=predicted,
        correct=correct,
    )


def _calibration(**curves: Any) -> CalibrationScores:
    return CalibrationScores.model_validate(
        {"ece": 0.0, "ece_raw": 0.0, "fitted": True, "bins": [], "coverage": [], **curves}
    )


def test_the_intent_with_most_missed_rows_stands_first_then_that_of_lowest_recall() -> None:
    rows = intent_rows(
        {"good": _intent(50, 50, 50), "rare": _intent(1, 4, 9), "big": _intent(97, 100, 97)}
    )
    assert [row["name"] for row in rows] == ["rare", "big", "good"]


def test_missed_rows_and_false_alarms_are_counted() -> None:
    (row,) = intent_rows({"play": _intent(6, 10, 9)})
    assert (row["missed"], row["false_alarms"]) == (4, 3)


def test_an_intent_that_is_never_predicted_has_no_precision() -> None:
    (row,) = intent_rows({"play": _intent(0, 10, 0)})
    assert row["precision"] == "–"


def test_perfect_confidence_lies_on_the_diagonal() -> None:
    bins = [
        {"low": 0.5, "high": 0.6, "n": 4, "confidence": 0.5, "accuracy": 0.5},
        {"low": 0.9, "high": 1.0, "n": 1, "confidence": 1.0, "accuracy": 1.0},
    ]
    found = reliability_curve(_calibration(bins=bins))
    assert found and found["line"] == "150.0,110.0 300.0,0.0"


def test_a_dots_area_is_its_share_of_the_rows() -> None:
    bins = [
        {"low": 0.1 * i, "high": 1.0, "n": n, "confidence": 0.5, "accuracy": 0.5}
        for i, n in enumerate((400, 100))
    ]
    found = reliability_curve(_calibration(bins=bins))
    assert found and found["dots"][0]["r"] == pytest.approx(2 * found["dots"][1]["r"], rel=0.05)


def test_coverage_is_reported_in_a_sentence() -> None:
    points = [(0.5, 0.99, 1.0), (0.8, 0.7, 0.95), (1.0, 0.1, 0.9)]
    curve = [{"coverage": c, "threshold": t, "accuracy": a} for c, t, a in points]
    found = coverage_curve(_calibration(coverage=curve))
    assert found and found["sentence"].startswith(
        "Of the 80% most confident answers, 95.0% are right; of all, 90.0%."
    )


def test_curves_are_drawn_where_confidences_are_known(tmp_path: Path) -> None:
    assert page(tmp_path, many(60, 3)).count("<svg") == 2


def test_without_confidences_a_sentence_replaces_the_curves(tmp_path: Path) -> None:
    text = page(tmp_path, evaluation(("a", "play()", "play()")))
    assert "<svg" not in text and "No confidences are known" in text


def test_one_confidence_for_all_rows_parts_nothing() -> None:
    scored = evaluation(*[("a", "play()", "play()")] * 3, confidences=[0.5] * 3)
    found = coverage_curve(scored.metrics.calibration)
    assert found and found["sentence"].startswith("Confidences do not separate the rows")


def test_the_threshold_is_shown_next_to_the_raw_scores() -> None:
    metrics = {
        "n": 100,
        "intent_accuracy": 0.8,
        "oos_recall": 0.25,
        "with_threshold": {
            "threshold": 0.4,
            "intent_accuracy": 0.85,
            "parameter_accuracy": None,
            "oos_precision": None,
            "oos_recall": 0.75,
            "replaced": 12,
        },
    }
    found = threshold_rows(Metrics.from_mapping(metrics, "scores"))
    assert found and found["rows"][0] == ["Intent accuracy", "80.0%", "85.0%", "+5.0 points"]
    assert found["rows"][3][1:] == ["25.0%", "75.0%", "+50.0 points"]


def test_a_thousand_requests_cost_their_share_of_an_hour() -> None:
    assert thousand_requests(10.0, 36.0) == pytest.approx(1.0)


@pytest.mark.parametrize(("rate", "price"), [(None, 1.0), (0.0, 1.0), (10.0, None)])
def test_a_cost_that_is_not_known_is_none(rate: float | None, price: float | None) -> None:
    assert thousand_requests(rate, price) is None


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_refused(price: float) -> None:
    with pytest.raises(IntentflowError, match=r"the price \(hourly\)"):
        speed(Metrics(n=1, rows_per_second=1.0), Prices(price))


def test_latency_is_reported_in_its_own_unit() -> None:
    latency = Latency(p50=0.0123, p95=2.0)
    metrics = Metrics(n=1, latency_seconds=latency, rows_per_second=1234.0)
    values = [tile["value"] for tile in speed(metrics, Prices())["tiles"]]
    assert values == ["12.3 ms", "2.00 s", "1,234"]


def test_the_cost_stands_on_the_page_only_where_a_price_was_given(tmp_path: Path) -> None:
    scored = many(20, 2)
    assert "per 1,000 requests" not in page(tmp_path, scored)
    assert "per 1,000 requests" in page(tmp_path, scored, prices=Prices(1.2))


def test_given_answers_have_no_speed_and_so_no_cost(tmp_path: Path) -> None:
    text = page(tmp_path, evaluation(("a", "play()", "play()")), prices=Prices(1.2))
    assert "nothing was timed" in text and "Without a measured throughput" in text


_TOKENS = TokensPerRequest(prompt=400.0, answer=10.0)


def test_tokens_of_prompt_and_answer_have_their_own_prices() -> None:
    assert thousand_requests_by_token(_TOKENS, Prices(None, 0.5, 2)) == pytest.approx(0.22)


def test_a_price_of_tokens_that_is_left_out_counts_as_nothing() -> None:
    assert thousand_requests_by_token(_TOKENS, Prices(None, None, 2)) == pytest.approx(0.02)


def test_without_a_price_of_tokens_they_cost_nothing_that_is_known() -> None:
    assert thousand_requests_by_token(_TOKENS, Prices(1.5)) is None


def test_the_page_names_tokens_and_their_cost() -> None:
    found = speed(Metrics(n=1, tokens_per_request=_TOKENS), Prices(None, 0.5, 2))
    assert [tile["value"] for tile in found["tiles"]] == ["400", "10.0", "0.220"]


def test_prices_of_tokens_where_none_were_stated_are_answered_with_the_reason() -> None:
    assert "states no numbers of tokens" in speed(Metrics(n=1), Prices(None, 0.5))["notes"][0]
