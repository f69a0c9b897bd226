"""Rules about the answers to edited rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intentflow.artifacts.behaviour import BehaviourKind, BehaviourReport
from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Rule
from intentflow.errors import InputError
from intentflow.evaluation.scores import short
from intentflow.gating.markdown import number
from intentflow.gating.policy import BehaviourLimit


def require_same_model(metrics: Metrics, report: BehaviourReport | None) -> None:
    """Refuse behavioural tests of another model than the judged one.

    Args:
        metrics: Scores of the judged model.
        report: Content of ``behaviour.json``; None if not given.

    Raises:
        InputError: The digests of the models differ.
    """
    if report is not None and report.model_digest != metrics.model_digest:
        raise InputError(
            f"the behavioural tests are of another model ({short(report.model_digest)} instead of "
            f"{short(metrics.model_digest)}): run intentflow behave on the scored model"
        )


def behaviour_rules(
    report: BehaviourReport | None, limits: Mapping[BehaviourKind, BehaviourLimit]
) -> Iterator[Rule]:
    """Maximum failure rates; a kind without enough cases does not pass.

    Args:
        report: Content of ``behaviour.json``; None if not given, which fails the rules.
        limits: Limits by kind of edit.
    """
    if limits and report is None:
        message = (
            f"the policy limits failures by {', '.join(limits)}, but no behavioural tests were "
            "given: run `intentflow behave` and give its output with --behaviour; in a run set "
            "pipeline.behave"
        )
        yield Rule(name="behaviour", passed=False, message=message)
    elif report is not None:
        for kind, limit in limits.items():
            yield _rule(report, kind, limit)


def _rule(report: BehaviourReport, kind: BehaviourKind, limit: BehaviourLimit) -> Rule:
    found, name = report.scores(kind), f"behaviour.{kind}"
    cases = found.cases if found else 0
    if found is None or found.failure_rate is None or cases < limit.cases:
        message = (
            f"{name}: {cases} cases were judged; the policy asks for at least {limit.cases}"
            f"{_skipped(report, kind)}"
        )
        return Rule(name=name, passed=False, limit=limit.max, message=message, n=cases)
    rate, bound = found.failure_rate, None
    measured = f"{found.failures} of {cases} cases of {kind} failed ({number(rate)})"
    if limit.bound and found.interval is not None:
        bound = found.interval[1]
        measured = f"the upper 95 % bound of {name} is {number(bound)} ({measured})"
    return Rule(
        name=name,
        passed=(rate if bound is None else bound) <= limit.max,
        value=rate,
        limit=limit.max,
        message=f"{measured}; the policy asks for at most {number(limit.max)}",
        bound=bound,
        n=cases,
    )


def _skipped(report: BehaviourReport, kind: BehaviourKind) -> str:
    """The reasons why rows have no case of a kind."""
    reasons = dict.fromkeys(one.reason for one in report.skipped if one.kind == kind)
    return f" ({'; '.join(reasons)})" if reasons else ""
