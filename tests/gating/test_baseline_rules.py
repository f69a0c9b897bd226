"""Baselines, the 16-bit model, and what a verdict shows next to the model."""

from __future__ import annotations

from typing import Any

import pytest

from intentflow.artifacts.verdict import Verdict
from intentflow.errors import IntentflowError
from intentflow.gating.markdown import verdict_markdown
from intentflow.gating.policy import GatePolicy
from tests.gating.cases import ANY
from tests.gating.scores import baselines, judged, scores, scores_with

LINEAR = {"beat": ["linear"]}


def _judge(rules: dict[str, Any], metrics: dict[str, Any] | None = None, **b: Any) -> Verdict:
    policy = GatePolicy.from_mapping(rules, "gate.yaml")
    return judged(metrics or scores(), policy, **b)


def _against_linear(score: float | None, **rule: Any) -> Verdict:
    compared = baselines(linear={"intent_accuracy": score, "parameter_accuracy": None})
    return _judge({"baselines": {**LINEAR, **rule}}, baselines=compared)


def test_what_does_not_beat_the_linear_classifier_reports_it() -> None:
    assert _against_linear(0.98).reasons == [
        "the model does not beat the linear classifier (0.98): "
        "intent_accuracy is 0.9, the baseline 0.98"
    ]


@pytest.mark.parametrize(
    ("score", "margin", "passes"),
    [(0.9, 0.0, False), (0.899, 0.0, True), (0.88, 0.02, True), (0.881, 0.02, False)],
)
def test_a_tie_does_not_beat_and_a_margin_is_enough(
    score: float, margin: float, passes: bool
) -> None:
    assert _against_linear(score, margin=margin).passed is passes


def test_rows_gained_and_lost_against_a_baseline_are_reported() -> None:
    compared = baselines(
        linear={"intent_accuracy": 0.9, "outcomes": {"intent": "0" * 10 + "1" * 90}}
    )
    verdict = _judge({"baselines": LINEAR}, scores_with("1" * 95 + "0" * 5), baselines=compared)
    (_, rule) = verdict.rules
    assert (rule.evidence["gained"], rule.evidence["lost"]) == (10, 5)


def test_missing_baselines_fail_and_say_where_they_come_from() -> None:
    verdict = _judge({"baselines": LINEAR})
    assert verdict.reasons == [
        "the policy asks to beat linear, but no baselines were given: "
        "score them with `intentflow baseline` and give its output with --baselines"
    ]


def test_baselines_of_other_rows_are_refused() -> None:
    with pytest.raises(IntentflowError, match="the baselines were scored on other rows"):
        _judge(
            {"baselines": LINEAR}, baselines=baselines("others", linear={"intent_accuracy": 0.5})
        )


def test_a_baseline_that_was_not_scored_is_refused() -> None:
    with pytest.raises(
        IntentflowError, match=r"does not hold \(it has majority\): .*--kinds linear"
    ):
        _judge({"baselines": LINEAR}, baselines=baselines(majority={"intent_accuracy": 0.2}))


def test_a_baseline_without_the_metric_is_refused() -> None:
    with pytest.raises(IntentflowError, match="the linear baseline has no parameter_accuracy"):
        _against_linear(0.5, metric="parameter_accuracy")


def test_baselines_that_the_policy_ignores_are_reported_and_shown() -> None:
    verdict = _judge(ANY, baselines=baselines(linear={"intent_accuracy": 0.98}))
    assert verdict.skipped == ["baselines were given, but the policy does not require beating any"]
    assert "| linear | 0.98 | – | – |" in verdict_markdown(verdict)


def test_champion_and_baselines_are_compared_with_the_model() -> None:
    verdict = _judge(ANY, champion=scores(), baselines=baselines(few_shot={"intent_accuracy": 0.5}))
    rows = verdict_markdown(verdict).splitlines()[-3:]
    assert rows == [
        "| this model | 0.9 | 0.7 | – |",
        "| champion | 0.9 | 0.7 | – |",
        "| few-shot | 0.5 | – | – |",
    ]


def test_an_intents_name_does_not_break_the_table() -> None:
    weak = {"a|b": {"precision": 0.1, "recall": 0.1, "f1": 0.1, "support": 50}}
    verdict = _judge({"per_intent": {"recall": {"min": 0.5}}}, scores(per_intent=weak))
    assert "| per_intent.recall.a\\|b | 0.1 | 0.5 | **broken** |" in verdict_markdown(verdict)


COMPRESSED = {"compression": {"intent_accuracy": 0.02, "parameter_accuracy": 0.1}}


def test_a_lost_point_too_many_names_rows_and_limit() -> None:
    verdict = _judge(
        COMPRESSED, scores_with("1" * 97 + "000"), reference=scores_with("0" + "1" * 99)
    )
    assert verdict.passed
    verdict = _judge(COMPRESSED, scores_with("1" * 97 + "000"), reference=scores_with("1" * 100))
    (reason,) = verdict.reasons
    assert reason.startswith("intent_accuracy is 0.97, the 16-bit model 1 (0 rows gained, 3 lost")
    assert reason.endswith("a loss of 0.02 is allowed")


def test_a_compressed_model_without_its_reference_fails() -> None:
    assert _judge(COMPRESSED).first_failed == "compression"


def test_a_model_that_was_not_compressed_is_its_own_reference() -> None:
    assert _judge(COMPRESSED, reference=scores()).passed


def test_a_reference_on_other_rows_is_refused() -> None:
    with pytest.raises(IntentflowError, match="16-bit model was scored on other rows"):
        _judge(COMPRESSED, reference=scores(data_digest="others"))


def test_a_reference_that_the_policy_ignores_is_reported() -> None:
    assert _judge(ANY, reference=scores()).skipped == [
        "scores of a 16-bit model were given, but the policy limits no loss by compression"
    ]


def test_how_sure_a_kept_comparison_is_can_be_read() -> None:
    metrics, champion = scores_with("1" * 99 + "0"), scores_with("0" + "1" * 99)
    text = verdict_markdown(_judge(ANY, metrics, champion=champion))
    assert "- kept: intent_accuracy is 0.99, the champion's 0.99 (1 rows gained, 1 lost" in text
