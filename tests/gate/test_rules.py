"""Every rule lets through and holds back."""

from __future__ import annotations

from typing import Any

import pytest

from intentflow.gate.decide import Beside, decide
from intentflow.gate.policy import GatePolicy
from intentflow.gate.verdict import Verdict
from tests.gate.cases import CASES, Case, title


def _judge(case: Case, metrics: dict[str, Any]) -> Verdict:
    policy = GatePolicy.from_mapping(case.policy, "gate.yaml")
    beside = Beside(case.champion, case.baselines, case.reference)
    return decide(metrics, policy, beside, name=case.name)


@pytest.mark.parametrize("case", CASES, ids=title)
def test_a_rule_that_is_kept_passes(case: Case) -> None:
    verdict = _judge(case, case.good)
    assert (verdict.passed, verdict.reasons) == (True, [])


@pytest.mark.parametrize("case", CASES, ids=title)
def test_a_rule_that_is_broken_fails_alone_and_by_name(case: Case) -> None:
    verdict = _judge(case, case.bad)
    assert [rule.name for rule in verdict.rules if not rule.passed] == [case.rule]


@pytest.mark.parametrize("case", CASES, ids=title)
def test_the_first_broken_rule_stands_first_for_people(case: Case) -> None:
    verdict = _judge(case, case.bad)
    (line,) = [x for x in verdict.as_markdown().splitlines() if x.startswith("First broken rule")]
    assert line == f"First broken rule: `{case.rule}`: {verdict.reasons[0]}"
