"""Rules about parameters, and about rows with a number of calls."""

from __future__ import annotations

from typing import Any

import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Verdict
from intentflow.errors import InputError
from intentflow.evaluation.metrics import compute_metrics
from intentflow.evaluation.scored_rows import score_row
from intentflow.gating.decide import decide
from intentflow.gating.policy import GatePolicy
from tests.gating.scores import TAXONOMY

ROWS = [
    ("play Abba", "play(Abba)", "play(Abba)"),
    ("play Queen", "play(Queen)", "play(Blur)"),
    ("rain in Oslo", "rain(Oslo)", "rain(Oslo)"),
    ("rain in Rome", "rain(Rome)", "rain(Rome)"),
    ("play Abba, rain in Oslo", "play(Abba); rain(Oslo)", "play(Abba)"),
]


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    return compute_metrics([score_row(*row[:2], row[2], TAXONOMY) for row in ROWS], TAXONOMY)


def _judge(metrics: Metrics, policy: dict[str, Any]) -> Verdict:
    return decide(metrics, GatePolicy.from_mapping(policy, "policy"))


@pytest.mark.parametrize(("score", "value"), [("precision", 2 / 3), ("recall", 2 / 3)])
def test_a_weak_parameter_breaks_its_rule(metrics: Metrics, score: str, value: float) -> None:
    verdict = _judge(metrics, {"per_parameter": {score: {"min": 0.9, "support": 3}}})
    assert verdict.first_failed == f"per_parameter.{score}.play.artist"
    rule = next(one for one in verdict.rules if one.name == verdict.first_failed)
    assert rule.value == pytest.approx(value)


def test_good_parameters_keep_the_rule(metrics: Metrics) -> None:
    policy = {"per_parameter": {"f1": {"min": 0.5, "support": 3}}}
    verdict = _judge(metrics, policy)
    names = [rule.name for rule in verdict.rules if rule.name.startswith("per_parameter")]
    assert verdict.passed
    assert names == ["per_parameter.f1.play.artist", "per_parameter.f1.rain.place"]


def test_a_rule_that_judges_no_parameter_breaks(metrics: Metrics) -> None:
    verdict = _judge(metrics, {"per_parameter": {"f1": {"min": 0.5, "support": 100}}})
    assert verdict.reasons == [
        "per_parameter.f1: no parameter has 100 values, so none can be judged"
    ]


def test_scores_without_parameters_are_refused() -> None:
    with pytest.raises(InputError, match="no values per parameter"):
        _judge(Metrics(n=5), {"per_parameter": {"f1": {"min": 0.5}}})


@pytest.mark.parametrize(("calls", "passed"), [(1, True), (2, False)])
def test_rows_are_judged_by_their_number_of_calls(
    metrics: Metrics, calls: int, passed: bool
) -> None:
    name = f"several_intents.by_calls.{calls}.intent_accuracy"
    assert _judge(metrics, {"metrics": {name: {"min": 0.9}}}).passed is passed


@pytest.mark.parametrize(
    "name", ["missed_rate", "surplus_rate", "share", "intent_accuracy", "parameter_accuracy"]
)
def test_each_score_of_several_intents_can_be_limited(metrics: Metrics, name: str) -> None:
    verdict = _judge(metrics, {"metrics": {f"several_intents.{name}": {"min": 0.0, "max": 1.0}}})
    assert verdict.passed


def test_a_number_of_calls_that_no_row_has_breaks_the_rule(metrics: Metrics) -> None:
    name = "several_intents.by_calls.7.intent_accuracy"
    verdict = _judge(metrics, {"metrics": {name: {"min": 0.1}}})
    assert not verdict.passed
    assert verdict.reasons[0].startswith(f"{name} has no value: ")
