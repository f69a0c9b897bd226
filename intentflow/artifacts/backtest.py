"""``backtest.json``: accuracy over time and labels spent, for each retraining policy."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from intentflow.artifacts.document import Artifact, Integer, Rate, Section
from intentflow.artifacts.drift import DriftAction

RetrainingPolicy = Literal["never", "weekly", "drift"]
StandIn = Literal["linear", "encoder"]


class BacktestWindow(Section):
    """A window of time, the same for all policies."""

    start: str = Field(description="First day, ISO 8601, UTC")
    end: str = Field(description="The day after the last")
    rows: Integer = Field(description="Number of rows")


class PolicyWindow(Section):
    """The course of one window under one policy."""

    correct: Integer = Field(
        description="Rows whose intents the model named, before their labels were seen"
    )
    accuracy: Rate | None = Field(description="Share of these; null for a window without rows")
    drift: DriftAction | None = Field(
        description="Action of the drift policy; null where the window was not compared"
    )
    labels: Integer = Field(description="Labels spent after the window")
    retrained: bool = Field(description="Whether a model was trained after the window")


class PolicyCourse(Section):
    """The course of one policy."""

    policy: RetrainingPolicy = Field(description="Name of the policy")
    accuracy: Rate | None = Field(description="Share of all rows after the first windows")
    labels: Integer = Field(description="Labels spent, those of the first windows included")
    trainings: Integer = Field(description="Number of models trained, the first included")
    windows: list[PolicyWindow] = Field(description="The windows after the first ones, in order")


class BacktestReport(Artifact):
    """Retraining policies on dated rows."""

    WRONG_KIND: ClassVar[str] = "not a report of intentflow backtest"
    SIGN: ClassVar[str] = "policies"
    ADVICE: ClassVar[str] = "run intentflow backtest again"

    rows: Integer = Field(description="Number of rows")
    data_digest: str = Field(description="SHA-256 of the rows in the order of time")
    stand_in: StandIn = Field(description="The classifier that was trained in the model's place")
    window_days: Integer = Field(description="Length of a window in days")
    first_windows: Integer = Field(description="Number of windows that the first model learns from")
    windows: list[BacktestWindow] = Field(description="All windows in order, the first ones too")
    policies: list[PolicyCourse] = Field(description="The course of each policy")
