"""The policy file: what it may say, and several policies by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from intentflow.artifacts.metrics import METRICS, Metrics
from intentflow.errors import IntentflowError
from intentflow.evaluation.run import score
from intentflow.gating.policy import GatePolicy, require_known
from intentflow.inference.engines import Answer
from intentflow.inference.subject import Subject
from intentflow.records import Example

INTENT = {"intent_accuracy": {"min": 0.9}}
NAMED = {
    "minimum_rows": 10,
    "metrics": {"intent_accuracy": {"min": 0.9, "bound": True}},
    "policies": {
        "staging": {"metrics": {"intent_accuracy": {"min": 0.8}}},
        "production": {
            "minimum_rows": 500,
            "metrics": {"parameter_accuracy": {"min": 0.7}},
            "champion": {"first": "fail"},
        },
    },
}


def _policy(**rules: Any) -> GatePolicy:
    return GatePolicy.from_mapping(rules, "gate.yaml")


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({}, "a policy without rules passes everything"),
        ({"minimum_rows": 10}, "a policy without rules passes everything"),
        ({"champion": {}}, "champion: with first: pass, any first model passes"),
        ({"metrics": {"intent_accuracy": {"min": 95}}}, "did you mean 0.95"),
        ({"subject": {"model": True}}, "a policy without rules passes everything"),
        ({"policies": {"staging": {}}}, "a policy without rules passes everything"),
        ({"metrics": {"intent_accuracy": {}}}, "give min, max or both"),
        ({"metrics": {"intent_accuracy": {"min": 0.9, "max": 0.1}}}, "min 0.9 is above max 0.1"),
        ({"metrics": INTENT, "minimum_row": 1}, "minimum_row; did you mean minimum_rows"),
        ({"metrics": INTENT, "champion": {"margn": 1}}, r"champion\.margn; did you mean margin"),
        ({"metrics": {"intent_accuracy": {"minimum": 1}}}, "did you mean min"),
        ({"per_intent": {"recal": {"min": 1}}}, "did you mean recall"),
        ({"policies": {"staging": {"metric": INTENT}}}, "did you mean metrics"),
        (
            {"metrics": INTENT, "champion_margin": 0.02},
            "champion_margin has moved: write champion: {margin: 0.02}",
        ),
        ({"baselines": {"beat": ["linaer"]}}, "there is no baseline linaer; did you mean linear"),
        ({"baselines": {"beat": []}}, r"baselines\.beat"),
        ({"compression": {"intent_acc": 0.1}}, "did you mean intent_accuracy"),
        ({"compression": {"malformed_rate": 0.1}}, "no score to compare by called malformed_rate"),
        ({"metrics": INTENT, "champion": {"metrics": ["recall"]}}, "did you mean oos_recall"),
        ({"metrics": INTENT, "champion": {"test": "paired"}}, r"champion\.test"),
        ({"metrics": INTENT, "champion": {"confidence": 95}}, r"champion\.confidence"),
        (
            {
                "metrics": INTENT,
                "policies": {"low": {"metrics": {"intent_accuracy": {"max": 0.5}}}},
            },
            r"policies\.low: metrics\.intent_accuracy: min 0.9 is above max 0.5",
        ),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(IntentflowError, match=message):
        _policy(**rules)


@pytest.mark.parametrize(
    "rules",
    [
        {"champion": {"first": "fail"}},
        {"compression": {"intent_accuracy": 0.01}},
        {"baselines": {"beat": ["linear"]}},
        {"policies": {"staging": {"metrics": INTENT}}},
    ],
)
def test_any_rule_that_holds_something_back_is_a_policy(rules: dict[str, Any]) -> None:
    assert _policy(**rules).model_dump(exclude_unset=True) == rules


def test_a_name_adds_to_the_rules_at_the_top() -> None:
    found = _policy(**NAMED).named("production")
    assert list(found.metrics) == ["intent_accuracy", "parameter_accuracy"]


def test_a_name_replaces_single_keys_of_a_rule_at_the_top() -> None:
    limit = _policy(**NAMED).named("staging").metrics["intent_accuracy"]
    assert (limit.min, limit.bound) == (0.8, True)


def test_what_a_name_leaves_out_holds_as_at_the_top() -> None:
    policy = _policy(**NAMED)
    assert [policy.named(n).minimum_rows for n in ("staging", "production")] == [10, 500]


def test_a_name_takes_no_rule_away() -> None:
    document = {**NAMED, "policies": {"loose": {"baselines": None, "minimum_rows": 5}}}
    document["baselines"] = {"beat": ["linear"]}
    assert _policy(**document).named("loose").baselines is not None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", r"choose one by name \(staging, production\)"),
        ("prodution", "the policy has no prodution; did you mean production"),
    ],
)
def test_a_name_that_is_none_of_the_policys_is_refused(name: str, message: str) -> None:
    with pytest.raises(IntentflowError, match=message):
        _policy(**NAMED).named(name)


def test_a_name_for_a_policy_without_names_is_refused() -> None:
    with pytest.raises(IntentflowError, match="no production; there is one without a name"):
        _policy(metrics=INTENT).named("production")


def test_every_key_is_documented_in_the_schema() -> None:
    schema = GatePolicy.model_json_schema()
    sections = {
        name: schema["$defs"][name]["properties"]
        for name in ("BaselineRule", "ChampionRule", "IntentDrop", "SubjectRule", "Limit")
    }
    unsaid = [
        f"{section}.{key}"
        for section, keys in sections.items()
        for key, value in keys.items()
        if "description" not in value and (section, key) != ("BaselineRule", "metric")
    ]
    assert unsaid == []


def test_a_misspelled_metric_is_found_without_scores() -> None:
    policy = _policy(metrics={"intent_acuracy": {"min": 0.9}})
    with pytest.raises(IntentflowError, match="did you mean intent_accuracy"):
        require_known(policy)


def test_the_metrics_of_a_policy_are_those_that_evaluate_writes() -> None:
    metrics = score(
        [Example("x", "a()")], [Answer("a()", 0.1, 0.9)], Subject("given", False)
    ).metrics
    assert set(_numbers(metrics.as_dict())) - {"schema_version"} <= set(METRICS)


def _numbers(document: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Names of the single numbers in a document, those of a section behind its name and a dot."""
    for key, value in document.items():
        if isinstance(value, dict) and key not in ("per_intent", "ci95", "outcomes"):
            yield from _numbers(value, f"{prefix}{key}.")
        elif isinstance(value, float | int) and not isinstance(value, bool):
            yield prefix + key


def test_a_score_that_is_no_number_is_named() -> None:
    with pytest.raises(IntentflowError, match="intent_accuracy is not a number"):
        Metrics.from_mapping({"n": 5, "intent_accuracy": "0.99"}, "metrics.json")
