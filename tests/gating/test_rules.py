"""Every rule lets through and holds back."""

from __future__ import annotations

from typing import Any

import pytest

from intentflow.artifacts.verdict import Verdict
from intentflow.gating.markdown import verdict_markdown
from intentflow.gating.policy import GatePolicy
from tests.gating.cases import CASES, Case, title
from tests.gating.scores import judged


def _judge(case: Case, metrics: dict[str, Any]) -> Verdict:
    policy = GatePolicy.from_mapping(case.policy, "gate.yaml")
    return judged(
        metrics,
        policy,
        champion=case.champion,
        baselines=case.baselines,
        reference=case.reference,
        name=case.name,
    )


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
    (line,) = [
        x for x in verdict_markdown(verdict).splitlines() if x.startswith("First broken rule")
    ]
    assert line == f"First broken rule: `{case.rule}`: {verdict.reasons[0]}"
