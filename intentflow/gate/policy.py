"""What scores must reach: the gate's YAML policy."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from intentflow.config import StrictModel


class Limit(StrictModel):
    """A floor, a ceiling, or both, for one metric."""

    min: float | None = Field(None, description="The metric must be at least this")
    max: float | None = Field(None, description="The metric must be at most this")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class IntentLimit(StrictModel):
    """A floor for every intent that has enough rows to judge it by."""

    min: float = Field(ge=0, le=1, description="Each such intent must reach this")
    support: int = Field(20, ge=1, description="Intents with fewer gold rows are not judged")


class PerIntent(StrictModel):
    """Floors per intent."""

    precision: IntentLimit | None = None
    recall: IntentLimit | None = None
    f1: IntentLimit | None = None


class GatePolicy(StrictModel):
    """All rules of the gate."""

    minimum_rows: int = Field(1, ge=1, description="Scores on fewer rows are no evidence")
    metrics: dict[str, Limit] = Field(
        default_factory=dict, description="Limits by metric name; a dot leads into documented.*"
    )
    per_intent: PerIntent = Field(default_factory=PerIntent)
    champion_margin: float | None = Field(
        None,
        ge=0,
        le=1,
        description="How far intent and parameter accuracy may lie below a champion's",
    )

    @model_validator(mode="after")
    def _has_a_rule(self) -> Self:
        intents = self.per_intent
        if not self.metrics and not any((intents.precision, intents.recall, intents.f1)):
            raise ValueError("a policy without a rule lets everything through: add metrics")
        return self
