"""The drift policy: which differences are an alert, and which ask for a new model."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, model_validator

from intentflow.config import StrictModel

StatisticName = Literal[
    "intents",
    "confidence",
    "out_of_scope",
    "length",
    "language",
    "unknown_words",
    "nearness",
    "phrasing",
]
STATISTICS: tuple[StatisticName, ...] = get_args(StatisticName)


class DriftRule(StrictModel):
    """Limits of a statistic's difference, once it is significant."""

    alert: float | None = Field(
        0.1, ge=0, description="Minimum population stability index of an alert; null for none"
    )
    retrain: float | None = Field(
        0.25, ge=0, description="Minimum index that asks for a new model; null for none"
    )
    factor: float | None = Field(
        1.5,
        gt=1,
        description="An alert, too: a share, or the rest of it, that grew or shrank by this "
        "factor; null for none",
    )
    enabled: bool = Field(True, description="Whether the statistic is compared")

    @model_validator(mode="after")
    def _in_order(self) -> DriftRule:
        if self.alert is not None and self.retrain is not None and self.retrain < self.alert:
            raise ValueError(f"retrain {self.retrain:g} is below alert {self.alert:g}")
        return self


class DriftPolicy(StrictModel):
    """Rules for the differences between requests and reference rows.

    A difference counts only if it is significant: all statistics together raise a false alarm with
    at most the stated probability. How large it has to be is each statistic's own rule.

    Example:
        >>> policy = DriftPolicy.from_mapping({"length": {"enabled": False}}, "drift.yaml")
        >>> policy.length.enabled, policy.false_alarm_rate
        (False, 0.01)
    """

    false_alarm_rate: float = Field(
        0.01,
        ge=0.0001,
        le=0.2,
        description="Maximum probability that a comparison without any drift ends in an action; "
        "the lower, the longer it takes",
    )
    minimum_requests: int = Field(
        200, ge=20, description="Minimum number of requests; fewer are refused"
    )
    minimum_reference: int = Field(
        100, ge=20, description="Minimum number of reference rows; fewer are refused"
    )
    intents: DriftRule = DriftRule()
    confidence: DriftRule = DriftRule()
    out_of_scope: DriftRule = DriftRule()
    length: DriftRule = DriftRule(retrain=None)
    language: DriftRule = DriftRule()
    unknown_words: DriftRule = DriftRule()
    nearness: DriftRule = DriftRule()
    phrasing: DriftRule = DriftRule(factor=2.0)

    @model_validator(mode="after")
    def _compares_something(self) -> DriftPolicy:
        if not any(self.rule(name).enabled for name in STATISTICS):
            raise ValueError("all statistics are switched off: enable one")
        return self

    def rule(self, name: StatisticName) -> DriftRule:
        """The rule of a statistic."""
        rule: DriftRule = getattr(self, name)
        return rule
