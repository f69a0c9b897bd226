"""A new model compared with the one in service."""

from __future__ import annotations

import json
from typing import Any

import pytest

from intentflow.artifacts.verdict import Rule, Verdict
from intentflow.errors import IntentflowError
from intentflow.evaluation.scores import for_comparing
from intentflow.gating.policy import GatePolicy
from tests.gating.cases import ANY, STRONG
from tests.gating.scores import judged, read_scores, scores, scores_with


def _judge(scored: dict[str, Any], champion: dict[str, Any] | None, **rule: Any) -> Verdict:
    policy = GatePolicy.from_mapping({**ANY, "champion": rule}, "gate.yaml")
    return judged(scored, policy, champion=champion)


def _short(champion: dict[str, Any]) -> dict[str, Any]:
    return for_comparing(read_scores(champion)).model_dump(exclude_unset=True)


def _rule(verdict: Verdict, name: str) -> Rule:
    (found,) = [rule for rule in verdict.rules if rule.name == name]
    return found


def test_worse_by_the_margin_passes() -> None:
    assert _judge(scores(), scores(parameter_accuracy=0.8), margin=0.1).passed


def test_worse_by_more_fails_with_both_numbers() -> None:
    verdict = _judge(scores(), scores(intent_accuracy=0.92))
    assert verdict.reasons == [
        "intent_accuracy is 0.9, the champion's 0.92: the policy allows at most 0.01 less"
    ]


def test_better_passes() -> None:
    assert _judge(scores(), scores(intent_accuracy=0.5), margin=0.0).passed


def test_the_same_model_passes_either_test_however_few_the_rows() -> None:
    few = scores_with("10111")
    assert _judge(few, few, test="non_inferiority", margin=0.0).passed


def test_an_equal_estimate_on_few_rows_is_no_proof_of_non_inferiority() -> None:
    metrics, champion = scores_with("10" * 50), scores_with("01" * 50)
    assert _judge(metrics, champion).passed
    assert not _judge(metrics, champion, test="non_inferiority", margin=0.05).passed


def test_more_rows_prove_the_same_rate_non_inferior() -> None:
    metrics, champion = (scores_with((rare + "1" * 18) * 150) for rare in ("10", "01"))
    assert _judge(metrics, champion, test="non_inferiority", margin=0.01).passed


@pytest.mark.parametrize("test", ["estimate", "non_inferiority"])
def test_the_numbers_of_the_comparison_are_in_the_rule(test: str) -> None:
    metrics, champion = scores_with("1110" + "1" * 96), scores_with("0001" + "1" * 96)
    evidence = _rule(_judge(metrics, champion, test=test), "champion.intent_accuracy").evidence
    low, high = evidence["ci95"]
    assert (evidence["gained"], evidence["lost"], evidence["difference"]) == (3, 1, 0.02)
    assert (evidence["p_value"], low < 0.02 < high) == (0.625, True)


def test_the_numbers_of_the_comparison_are_in_the_message() -> None:
    metrics, champion = scores_with("0001" + "1" * 96), scores_with("1110" + "1" * 96)
    (reason, *_) = _judge(metrics, champion).reasons
    assert reason == (
        "intent_accuracy is 0.97, the champion's 0.99 (1 rows gained, 3 lost of 100; difference "
        "-0.02, 95 % -0.07605 to 0.02812, McNemar p 0.62): the policy allows at most 0.01 less"
    )


def test_files_that_do_not_tell_of_rows_are_compared_by_totals_and_report_it() -> None:
    verdict = _judge(scores(), scores(), test="non_inferiority")
    assert "by estimate" in _rule(verdict, "champion.intent_accuracy").message
    assert "the champion was compared by totals" in verdict.notes[0]


def test_a_champion_on_other_rows_is_refused() -> None:
    with pytest.raises(IntentflowError, match="champion was scored on other rows"):
        _judge(scores(), scores(data_digest="others"))


def test_a_champion_on_other_rows_is_refused_whatever_the_policy_asks() -> None:
    policy = GatePolicy.from_mapping(ANY, "gate.yaml")
    with pytest.raises(IntentflowError, match="champion was scored on other rows"):
        judged(scores(), policy, champion=scores(data_digest="others"))


def test_a_champion_without_the_score_is_refused() -> None:
    with pytest.raises(IntentflowError, match="champion's scores contain no intent_f1_macro"):
        _judge(scores(intent_f1_macro=0.9), scores(), metrics=["intent_f1_macro"])


def test_a_score_that_was_not_measured_fails() -> None:
    verdict = _judge(scores(), scores(oos_recall=0.5), metrics=["oos_recall"])
    assert verdict.reasons == ["oos_recall is –, the champion's 0.5: one of them was not measured"]


def test_a_policy_without_a_champion_section_takes_its_defaults_and_reports_it() -> None:
    policy = GatePolicy.from_mapping(ANY, "gate.yaml")
    verdict = judged(scores(), policy, champion=scores(intent_accuracy=0.92))
    assert (verdict.first_failed, verdict.notes[0]) == (
        "champion.intent_accuracy",
        "the policy has no champion section: its defaults hold (margin 0.01)",
    )


def test_a_first_deployment_passes_by_policy_and_reports_it() -> None:
    verdict = _judge(scores(), None, first="pass")
    assert (verdict.passed, _rule(verdict, "champion.first").message) == (
        True,
        "no champion was given: a first deployment passes by policy (champion.first: pass)",
    )


def test_a_first_deployment_fails_by_policy() -> None:
    verdict = _judge(scores(), None, first="fail")
    assert verdict.first_failed == "champion.first"


def test_a_missing_champion_is_reported() -> None:
    verdict = _judge(scores(), None)
    assert verdict.skipped == ["no champion was given, so the model was compared with none"]


def test_one_intent_that_fell_fails_though_the_totals_rose() -> None:
    gold = "p" * 180 + "r" * 20
    champion = scores_with("0" * 40 + "1" * 160, gold=gold)
    metrics = scores_with("1" * 180 + "0" * 15 + "1" * 5, gold=gold)
    assert _judge(metrics, champion).first_failed == "champion.per_intent.rain"


def test_a_fall_without_evidence_passes() -> None:
    champion = scores_with("1" * 100, gold="p" * 96 + "r" * 4)
    metrics = scores_with("1" * 98 + "00", gold="p" * 96 + "r" * 4)  # half of the rows of rain
    assert _judge(metrics, champion, margin=0.1).passed


def test_a_sure_fall_within_the_limit_passes() -> None:
    champion = scores_with("1" * 1000)
    metrics = scores_with("1" * 920 + "0" * 80)
    assert _judge(metrics, champion, margin=0.1).passed


def test_a_row_with_two_intents_counts_for_both() -> None:
    champion = scores_with("1" * 100, gold="b")
    metrics = scores_with("1" * 70 + "0" * 30, gold="b")
    broken = [rule.name for rule in _judge(metrics, champion, margin=0.5).rules if not rule.passed]
    assert broken == ["champion.per_intent.play", "champion.per_intent.rain"]


def test_an_intent_that_fell_is_found_without_outcomes_too() -> None:
    weak = {**STRONG, "play": {**STRONG["play"], "recall": 0.5}}
    verdict = _judge(scores(per_intent=weak), scores(), margin=0.5)
    assert verdict.first_failed == "champion.per_intent.play"


def test_the_furthest_fall_is_reported_where_none_is_too_far() -> None:
    metrics = scores_with("1" * 99 + "0", gold="pr")
    verdict = _judge(metrics, scores_with("1" * 100, gold="pr"), margin=0.1)
    assert _rule(verdict, "champion.per_intent").message.startswith(
        "no intent fell too far with evidence; the furthest is rain, whose share of right rows "
        "fell by 0.02 of 50 rows"
    )


def test_a_champion_through_a_pipeline_has_floats_for_integers() -> None:
    champion = scores_with("1" * 100)
    champion["n"] = 100.0
    champion["outcomes"]["gold"] = [float(i) for i in champion["outcomes"]["gold"]]
    assert _judge(scores_with("1" * 100), champion).passed


@pytest.mark.parametrize(
    ("metrics", "champion"),
    [
        (scores_with("1" * 60 + "0" * 40, gold="pr"), scores_with("1" * 95 + "0" * 5, gold="pr")),
        (scores(), scores(intent_accuracy=0.92, per_intent={"play": STRONG["play"]})),
    ],
)
def test_the_short_form_of_a_champion_gives_the_same_verdict(
    metrics: dict[str, Any], champion: dict[str, Any]
) -> None:
    rule = {"margin": 0.001, "metrics": ["intent_accuracy", "documented.intent_accuracy"]}
    short = _short(champion)
    assert _judge(metrics, short, **rule).rules == _judge(metrics, champion, **rule).rules


def test_the_short_form_of_a_champion_fits_a_command_line() -> None:
    confused = {"gold": "play", "predicted": "rain", "count": 1, "examples": ["text " * 20]}
    confusion = [confused for _ in range(2000)]
    champion = {**scores_with("10" * 1550, gold="pr"), "confusion": confusion}
    assert len(json.dumps(_short(champion))) < 10_000 < 100_000 < len(json.dumps(champion))


def test_intents_that_scores_do_not_tell_of_are_reported() -> None:
    verdict = _judge(scores(per_intent={}), scores())
    assert _rule(verdict, "champion.per_intent").message.startswith(
        "no intent was compared on its own"
    )
