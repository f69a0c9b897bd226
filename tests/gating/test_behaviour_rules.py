"""Maximum failure rates of edited rows, by kind of edit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.behaviour import BehaviourReport
from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Rule, Verdict
from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.evaluation.wilson import wilson_interval
from intentflow.gating.decide import ComparisonInputs, decide
from intentflow.gating.policy import GatePolicy
from tests.gating.scores import scores


def _report(failures: int, cases: int = 100, **changes: Any) -> BehaviourReport:
    """Outcome of typos alone, for the model of :func:`scores`."""
    rate = failures / cases if cases else None
    typos = {
        "kind": "typos",
        "rule": "invariance",
        "cases": cases,
        "failures": failures,
        "failure_rate": rate,
        "interval": None if rate is None else list(wilson_interval(rate, cases)),
    }
    skipped = {"kind": "negation", "language": None, "rows": 9, "reason": "no out-of-scope intent"}
    document = {"rows": 9, "seed": 0, "languages": {}, "kinds": [typos], "skipped": [skipped]}
    digest = {"model_digest": Metrics.model_validate(scores()).model_digest}
    return BehaviourReport.model_validate({**document, **digest, **changes})


def _decide(report: BehaviourReport | None, **limits: Any) -> Verdict:
    policy = GatePolicy.model_validate({"behaviour": limits})
    metrics = Metrics.model_validate(scores())
    return decide(metrics, policy, ComparisonInputs(behaviour=report))


def _rule(verdict: Verdict) -> Rule:
    (rule,) = [rule for rule in verdict.rules if rule.name.startswith("behaviour")]
    return rule


@pytest.mark.parametrize(("failures", "passed"), [(10, True), (11, False)])
def test_the_gate_refuses_a_model_that_fails_too_many_edits(failures: int, passed: bool) -> None:
    assert _decide(_report(failures), typos={"max": 0.1}).passed is passed


def test_the_reason_has_counts_and_limit() -> None:
    (reason,) = _decide(_report(11), typos={"max": 0.1}).reasons
    assert reason == "11 of 100 cases of typos failed (0.11); the policy asks for at most 0.1"


@pytest.mark.parametrize(("failures", "passed"), [(4, True), (5, False)])
def test_a_bound_compares_the_upper_end_of_the_interval(failures: int, passed: bool) -> None:
    # Wilson's upper ends of 4 and 5 of 100: 0.098 and 0.112.
    assert _decide(_report(failures), typos={"max": 0.1, "bound": True}).passed is passed


def test_few_cases_without_a_failure_do_not_pass_a_bound() -> None:
    assert not _decide(_report(0, 5), typos={"max": 0.1, "bound": True}).passed


def test_the_number_of_cases_has_a_minimum() -> None:
    rule = _rule(_decide(_report(0, 19), typos={"max": 0.1, "cases": 20}))
    assert (rule.passed, rule.n) == (False, 19)
    assert "asks for at least 20" in rule.message


def test_a_kind_without_a_judged_case_fails() -> None:
    assert not _decide(_report(0, 0), typos={"max": 1.0}).passed


def test_a_kind_that_was_skipped_fails_with_the_reason() -> None:
    rule = _rule(_decide(_report(0), negation={"max": 0.5}))
    assert not rule.passed
    assert "no out-of-scope intent" in rule.message


def test_without_the_tests_the_rule_fails_with_the_way_to_them() -> None:
    rule = _rule(_decide(None, typos={"max": 0.1}))
    assert not rule.passed
    assert "intentflow behave" in rule.message


def test_tests_that_no_rule_reads_are_named() -> None:
    policy = GatePolicy.model_validate({"metrics": {"n": {"min": 1}}})
    metrics = Metrics.model_validate(scores())
    verdict = decide(metrics, policy, ComparisonInputs(behaviour=_report(50)))
    assert verdict.passed
    assert any("behavioural tests were given" in line for line in verdict.skipped)


def test_tests_of_another_model_are_refused() -> None:
    with pytest.raises(InputError, match="of another model"):
        _decide(_report(0, model_digest="f" * 64), typos={"max": 0.1})


def test_a_limit_on_behaviour_alone_is_a_policy() -> None:
    assert GatePolicy.model_validate({"behaviour": {"typos": {"max": 0.1}}}).behaviour


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text("behaviour: {typo: {max: 0.1}}\n")
    with pytest.raises(InputError, match="typo"):
        GatePolicy.from_yaml(str(tmp_path / "gate.yaml"))


@pytest.mark.parametrize(("failures", "status"), [(10, 0), (11, 1)])
def test_the_command_reads_the_file(failures: int, status: int, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps(scores()))
    (tmp_path / "gate.yaml").write_text("behaviour: {typos: {max: 0.1}}\n")
    _report(failures).write(tmp_path / "behaviour.json")
    files = {"metrics": "metrics.json", "policy": "gate.yaml", "behaviour": "behaviour.json"}
    flags = [part for flag, name in files.items() for part in (f"--{flag}", str(tmp_path / name))]
    assert main(["gate", *flags]) == status
