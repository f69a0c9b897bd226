"""The file of a verdict."""

from __future__ import annotations

import warnings

import pytest

from intentflow.artifacts.verdict import Evidence, Rule, Verdict


@pytest.mark.parametrize("evidence", [{"lost": 3}, {"p_value": 0.2}, {"ci95": [0.1, 0.2]}])
def test_numbers_of_a_comparison_are_written_without_a_warning(evidence: Evidence) -> None:
    verdict = Verdict(passed=True, rules=[Rule(name="champion", passed=True, evidence=evidence)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert verdict.as_dict()["rules"][0]["evidence"] == evidence
