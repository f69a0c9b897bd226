"""From a statistic's difference to an action, and the sentence that explains it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from intentflow.artifacts.drift import DriftAction, DriftChange, DriftStatistic
from intentflow.feedback.drift.policy import DriftRule
from intentflow.report.page import percent

_ORDER: tuple[DriftAction, ...] = ("none", "alert", "retrain")
_NAMED_CHANGES = 3


def action_of(
    psi: float,
    adjusted_p_value: float,
    changes: Sequence[DriftChange],
    rule: DriftRule,
    false_alarm_rate: float,
) -> DriftAction:
    """The action that a rule gives.

    Args:
        psi: Corrected population stability index.
        adjusted_p_value: p-value of the statistic, adjusted for all of them.
        changes: Significant changes of single shares.
        rule: Rule of the statistic.
        false_alarm_rate: Maximum adjusted p-value of a difference that counts.

    Example:
        >>> action_of(0.3, 0.001, [], DriftRule(), 0.01)
        'retrain'
        >>> action_of(0.3, 0.02, [], DriftRule(), 0.01)
        'none'
    """
    if adjusted_p_value > false_alarm_rate:
        return "none"
    if rule.retrain is not None and psi >= rule.retrain:
        return "retrain"
    if rule.alert is not None and psi >= rule.alert:
        return "alert"
    grew = rule.factor is not None and any(_factor(it) >= rule.factor for it in changes)
    return "alert" if grew else "none"


def strongest(actions: Iterable[DriftAction]) -> DriftAction:
    """The strongest of several actions.

    Example:
        >>> strongest(["alert", "none"])
        'alert'
    """
    return max(actions, key=_ORDER.index)


def reason_of(statistic: DriftStatistic) -> str:
    """A sentence for a statistic with an action."""
    low, high = statistic.interval
    named = [
        f"{it.name}: {percent(it.reference)} of the reference, {percent(it.requests)} of the "
        "requests"
        for it in statistic.changes[:_NAMED_CHANGES]
    ]
    return (
        f"{statistic.name}: {statistic.action}, stability index {statistic.psi:.3f} "
        f"({low:.3f} to {high:.3f}), p {statistic.adjusted_p_value:.2g}"
        + (f"; {'; '.join(named)}" if named else "")
    )


def _factor(change: DriftChange) -> float:
    """By how much the share, or the rest, grew or shrank; infinite from or to nothing."""
    left, right = change.reference, change.requests
    return max(_ratio(left, right), _ratio(1 - left, 1 - right))


def _ratio(one: float, two: float) -> float:
    low, high = sorted((one, two))
    return high / low if low > 1e-12 else (float("inf") if high > 1e-12 else 1.0)
