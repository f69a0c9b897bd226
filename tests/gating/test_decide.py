"""The gate lets through and holds back, and says why."""

from __future__ import annotations

from typing import Any

import pytest

from intentflow.artifacts.verdict import Verdict
from intentflow.errors import IntentflowError
from intentflow.gating.explain import explain
from intentflow.gating.policy import GatePolicy
from tests.gating.scores import judged, read_scores, scores

INTENT = {"intent_accuracy": {"min": 0.9}}
WEAK = {"precision": 0.5, "recall": 0.4, "f1": 0.45, "support": 50, "correct": 20}

NO_SCOPE = "the taxonomy names no out-of-scope intent, or no row has it; leave the rule out"


def _policy(**rules: Any) -> GatePolicy:
    return GatePolicy.from_mapping(rules, "gate.yaml")


def _judge(rules: dict[str, Any], **s: Any) -> Verdict:
    return judged(scores(**s), _policy(**rules))


def _with_weak_play(**changes: Any) -> dict[str, Any]:
    per_intent = scores()["per_intent"]
    return {**per_intent, "play": {**WEAK, **changes}}


@pytest.mark.parametrize(
    "rules",
    [
        {"metrics": INTENT},
        {"metrics": INTENT, "minimum_rows": 100},
        {"metrics": {"off_taxonomy_rate": {"max": 0.0}}},
        {"metrics": {"documented.parameter_accuracy": {"min": 0.65, "max": 0.65}}},
        {"per_intent": {"recall": {"min": 0.9, "support": 50}}},
        {"per_intent": {"precision": {"min": 0.9}, "f1": {"min": 0.9}}},
    ],
)
def test_scores_on_the_limit_pass(rules: dict[str, Any]) -> None:
    assert _judge(rules).passed


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (
            {"metrics": INTENT, "minimum_rows": 101},
            "100 rows were scored; the policy asks for at least 101",
        ),
        (
            {"metrics": {"intent_accuracy": {"min": 0.95}}},
            "intent_accuracy is 0.9; the policy asks for at least 0.95",
        ),
        (
            {"metrics": {"intent_accuracy": {"max": 0.5}}},
            "intent_accuracy is 0.9; the policy asks for at most 0.5",
        ),
        (
            {"metrics": {"documented.intent_accuracy": {"min": 0.95}}},
            "documented.intent_accuracy is 0.9; the policy asks for at least 0.95",
        ),
        ({"metrics": {"oos_recall": {"min": 0.0}}}, f"oos_recall has no value: {NO_SCOPE}"),
        (
            {"per_intent": {"recall": {"min": 0.1, "support": 51}}},
            "per_intent.recall: no intent has 51 rows, so none can be judged",
        ),
    ],
)
def test_a_broken_rule_fails_with_its_numbers(rules: dict[str, Any], reason: str) -> None:
    assert _judge(rules).reasons == [reason]


@pytest.mark.parametrize(
    ("score", "value"), [("precision", "0.5"), ("recall", "0.4"), ("f1", "0.45")]
)
def test_one_weak_intent_fails_by_name(score: str, value: str) -> None:
    verdict = _judge({"per_intent": {score: {"min": 0.6}}}, per_intent=_with_weak_play())
    assert verdict.reasons == [f"{score} of play is {value}; the policy asks for at least 0.6"]


def test_an_intent_with_few_rows_is_not_judged() -> None:
    rules = {"per_intent": {"recall": {"min": 0.6, "support": 20}}}
    assert _judge(rules, per_intent=_with_weak_play(support=19)).passed


def test_an_intent_that_was_never_predicted_has_no_precision() -> None:
    rules = {"per_intent": {"precision": {"min": 0.1}}}
    assert not _judge(rules, per_intent=_with_weak_play(precision=None)).passed


def test_a_score_that_is_not_a_number_fails() -> None:
    assert not _judge({"metrics": INTENT}, intent_accuracy=float("nan")).passed


def test_every_broken_rule_is_a_reason() -> None:
    rules = {
        "minimum_rows": 200,
        "metrics": {"intent_accuracy": {"min": 0.95}, "parameter_accuracy": {"min": 0.85}},
        "per_intent": {"recall": {"min": 0.95}},
    }
    assert len(_judge(rules).reasons) == 5


def test_kept_rules_are_in_the_verdict_too() -> None:
    verdict = _judge({"metrics": INTENT}).as_dict()
    assert [rule["name"] for rule in verdict["rules"]] == [
        "minimum_rows",
        "metrics.intent_accuracy.min",
    ]


def test_the_verdict_names_what_was_judged() -> None:
    verdict = _judge({"metrics": INTENT}).as_dict()
    assert (verdict["model_digest"], verdict["constrained"]) == ("model", True)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("intent_acuracy", "intent_accuracy"),
        ("documented.intent_acc", "documented.intent_accuracy"),
        ("oos_recal", "oos_recall"),
    ],
)
def test_an_unknown_metric_names_the_nearest(written: str, meant: str) -> None:
    with pytest.raises(IntentflowError, match=f"unknown metric {written}; did you mean {meant}"):
        _judge({"metrics": {written: {"min": 0.5}}})


@pytest.mark.parametrize("name", ["documented", "per_intent", "constrained", "model_digest"])
def test_what_is_no_number_cannot_be_limited(name: str) -> None:
    with pytest.raises(IntentflowError, match=f"names {name}, which is not a number"):
        _judge({"metrics": {name: {"min": 0.5}}})


def test_a_metric_of_a_section_that_is_null_was_not_measured() -> None:
    verdict = _judge({"metrics": {"calibration.ece": {"max": 0.1}}}, calibration=None)
    assert verdict.reasons == [
        "calibration.ece has no value: the engine gives no confidence; leave the rule out"
    ]


def test_a_metric_of_a_section_that_scores_lack_is_unknown() -> None:
    with pytest.raises(IntentflowError, match=r"unknown metric calibration\.ece"):
        _judge({"metrics": {"calibration.ece": {"max": 0.1}}})


def test_a_bound_is_named_with_the_measured_value() -> None:
    verdict = _judge({"metrics": {"intent_accuracy": {"min": 0.9, "bound": True}}})
    assert verdict.reasons == [
        "the lower 95 % bound of intent_accuracy is 0.8256 (measured 0.9); "
        "the policy asks for at least 0.9"
    ]


def test_a_ceiling_is_judged_at_the_upper_bound() -> None:
    (_, rule) = _judge(
        {"metrics": {"malformed_rate": {"max": 0.05, "bound": True}}}, malformed_rate=0.0
    ).rules
    assert rule.passed
    assert rule.bound == pytest.approx(0.037, abs=5e-4)


def test_few_rows_that_are_all_right_are_no_certainty() -> None:
    rules = {"metrics": {"intent_accuracy": {"min": 0.95, "bound": True}}}
    assert not _judge(rules, n=20, intent_accuracy=1.0).passed


def test_a_bound_of_what_was_not_measured_breaks_its_rule() -> None:
    verdict = _judge({"metrics": {"oos_recall": {"min": 0.1, "bound": True}}})
    assert verdict.reasons == [f"oos_recall has no value: {NO_SCOPE}"]


@pytest.mark.parametrize("ci95", [None, {}, {"intent_f1_macro": None}, {"intent_f1_macro": [1]}])
def test_a_bound_that_scores_do_not_give_says_what_to_do(ci95: object) -> None:
    rules = {"metrics": {"intent_f1_macro": {"min": 0.5, "bound": True}}}
    with pytest.raises(IntentflowError, match="for which the scores have no interval: "):
        _judge(rules, intent_f1_macro=0.9, ci95=ci95)


def test_rules_per_intent_need_scores_per_intent() -> None:
    with pytest.raises(IntentflowError, match="the scores have no values per intent"):
        _judge({"per_intent": {"recall": {"min": 0.5}}}, per_intent=None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": 0}, r"no row was scored \(n is 0\)"),
        ({"n": True}, "n is missing"),
        ({"n": 9.5}, "n is missing"),
        ({"n": float("nan")}, "n is missing"),
        ({"outcomes": "1"}, "outcomes is not a section"),
        ({"outcomes": {"intent": "1"}}, "outcomes.intent is not one 0 or 1 for each of 100 rows"),
        ({"outcomes": {"intent": "2" * 100}}, "outcomes.intent is not one 0 or 1"),
        ({"outcomes": {"parameters": 7}}, "outcomes.parameters is not one 0 or 1"),
        ({"outcomes": {"intent": "1" * 100}}, "100 correct rows of 100, but the score is 0.9"),
        ({"outcomes": {"gold": [0] * 99, "labels": ["a"]}}, "a label for each of 100 rows"),
        ({"outcomes": {"gold": [1] * 100, "labels": ["a"]}}, "a label for each of 100 rows"),
        ({"outcomes": {"gold": ["a"] * 100, "labels": ["a"]}}, "a label for each of 100 rows"),
        ({"outcomes": {"gold": 5}}, "a label for each of 100 rows"),
    ],
)
def test_scores_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(IntentflowError, match=message):
        _judge({"metrics": INTENT}, **changes)


def test_rows_without_an_answer_are_noted() -> None:
    verdict = _judge({"metrics": INTENT}, failed_rows=3)
    assert verdict.notes == ["3 rows had no answer and count as wrong"]


def test_the_explanation_gives_every_reason_and_the_weakest_intent() -> None:
    rules = {"metrics": {"intent_accuracy": {"min": 0.95}, "parameter_accuracy": {"min": 0.9}}}
    per_intent = _with_weak_play()
    verdict = _judge(rules, per_intent=per_intent)
    weak = read_scores(scores(per_intent={"play": per_intent["play"]}))
    text = explain(verdict, weak)
    wanted = [*verdict.reasons, "play: 20 of 50 rows right", "play taken for rain: 5 rows"]
    assert [line for line in wanted if f"- {line}\n" not in text] == []
