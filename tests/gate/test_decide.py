"""The gate lets through and holds back, and says why."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intentflow.errors import IntentflowError
from intentflow.gate.decide import Verdict, decide
from intentflow.gate.explain import explain
from intentflow.gate.policy import GatePolicy
from tests.gate.scores import scores, scores_of

INTENT = {"intent_accuracy": {"min": 0.9}}
WEAK = {"precision": 0.5, "recall": 0.4, "f1": 0.45, "support": 50, "correct": 20}


def _policy(**rules: Any) -> GatePolicy:
    return GatePolicy.from_mapping(rules, "gate.yaml")


def _judge(rules: dict[str, Any], champion: dict[str, Any] | None = None, **s: Any) -> Verdict:
    return decide(scores(**s), _policy(**rules), champion)


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
            "100 rows were scored, the policy asks for at least 101",
        ),
        (
            {"metrics": {"intent_accuracy": {"min": 0.95}}},
            "intent_accuracy is 0.9, the policy asks for at least 0.95",
        ),
        (
            {"metrics": {"intent_accuracy": {"max": 0.5}}},
            "intent_accuracy is 0.9, the policy asks for at most 0.5",
        ),
        (
            {"metrics": {"documented.intent_accuracy": {"min": 0.95}}},
            "documented.intent_accuracy is 0.9, the policy asks for at least 0.95",
        ),
        ({"metrics": {"oos_recall": {"min": 0.0}}}, "oos_recall was not measured"),
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
    assert verdict.reasons == [f"{score} of play is {value}, the policy asks for at least 0.6"]


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


def test_a_champion_on_other_rows_is_refused() -> None:
    with pytest.raises(IntentflowError, match="scored on other rows"):
        _judge({"metrics": INTENT, "champion_margin": 0.0}, scores(data_digest="others"))


def test_worse_than_the_champion_fails() -> None:
    rules = {"metrics": INTENT, "champion_margin": 0.01}
    verdict = _judge(rules, scores(intent_accuracy=0.92))
    assert verdict.reasons == [
        "intent_accuracy (champion 0.92, margin 0.01) is 0.9, the policy asks for at least 0.91"
    ]


def test_worse_by_the_margin_passes() -> None:
    rules = {"metrics": INTENT, "champion_margin": 0.1}
    assert _judge(rules, scores(parameter_accuracy=0.8)).passed


def test_better_than_the_champion_passes() -> None:
    rules = {"metrics": INTENT, "champion_margin": 0.0}
    assert _judge(rules, scores(intent_accuracy=0.5)).passed


def test_a_champion_that_the_policy_ignores_is_said() -> None:
    verdict = _judge({"metrics": INTENT}, scores(intent_accuracy=1.0))
    assert verdict.skipped == ["a champion was given, the policy has no champion_margin"]


def test_a_margin_without_a_champion_is_said() -> None:
    verdict = _judge({"metrics": INTENT, "champion_margin": 0.0})
    assert verdict.skipped == ["the policy has a champion_margin, no champion was given"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({}, "a policy without a rule lets everything through"),
        ({"minimum_rows": 10}, "a policy without a rule lets everything through"),
        ({"champion_margin": 0.1}, "a policy without a rule lets everything through"),
        ({"metrics": {"intent_accuracy": {}}}, "give min, max or both"),
        ({"metrics": {"intent_accuracy": {"min": 0.9, "max": 0.1}}}, "min 0.9 is above max 0.1"),
        ({"metrics": INTENT, "minimum_row": 1}, "minimum_row; did you mean minimum_rows"),
        ({"metrics": {"intent_accuracy": {"minimum": 1}}}, "did you mean min"),
        ({"per_intent": {"recal": {"min": 1}}}, "did you mean recall"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(IntentflowError, match=message):
        _policy(**rules)


_ANSWERS = st.sampled_from(["play(a)", "play(b)", "rain(x)", "oos()", "rain(x); play(a)"])
_WRONG = st.sampled_from(["what", "fly()", "play(c)", ""])
_ROWS = st.lists(st.tuples(_ANSWERS, _ANSWERS | _WRONG), min_size=1, max_size=12)
_RATE = st.floats(0.01, 1.0)


@given(rows=_ROWS, limit=_RATE, ceiling=st.floats(0, 1), data=st.data())
@settings(max_examples=60, deadline=None)
def test_making_a_prediction_right_never_turns_a_pass_into_a_failure(
    rows: list[tuple[str, str]], limit: float, ceiling: float, data: st.DataObject
) -> None:
    floors = (
        "intent_accuracy",
        "parameter_accuracy",
        "documented.intent_accuracy",
        "documented.parameter_accuracy",
        "intent_f1_macro",
        "intent_f1_micro",
        "parameter_f1",
        "oos_recall",
    )
    name = data.draw(st.sampled_from(floors))
    rate = data.draw(st.sampled_from(["malformed_rate", "off_taxonomy_rate"]))
    score = data.draw(st.sampled_from(["precision", "recall", "f1"]))
    policy = _policy(
        metrics={name: {"min": limit}, rate: {"max": ceiling}},
        per_intent={score: {"min": limit, "support": 1}},
    )
    place = data.draw(st.integers(0, len(rows) - 1))
    better = [(gold, gold if i == place else guess) for i, (gold, guess) in enumerate(rows)]
    if decide(scores_of(rows), policy).passed:
        assert decide(scores_of(better), policy).passed


def test_the_explanation_gives_every_reason_and_the_weakest_intent() -> None:
    rules = {"metrics": {"intent_accuracy": {"min": 0.95}, "parameter_accuracy": {"min": 0.9}}}
    per_intent = _with_weak_play()
    verdict = _judge(rules, per_intent=per_intent)
    judged = scores(per_intent={"play": per_intent["play"]})
    text = explain(verdict.as_dict(), judged)
    wanted = [*verdict.reasons, "play: 20 of 50 rows right", "play taken for rain: 5 rows"]
    assert [line for line in wanted if f"- {line}\n" not in text] == []
