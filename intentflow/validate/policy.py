"""The data policy: how serious each finding is, and where its limits lie."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from intentflow.config import StrictModel

Level = Literal["error", "warning", "info", "off"]


class Check(StrictModel):
    """A check without limits: whatever it finds counts."""

    level: Level = "warning"

    @field_validator("level", mode="before")
    @classmethod
    def _off_without_quotes(cls, level: object) -> object:
        """YAML 1.1 reads a bare ``off`` as false."""
        return "off" if level is False else level


class ErrorCheck(Check):
    """A check for what no model can be trained on."""

    level: Level = "error"


class MalformedCheck(ErrorCheck):
    """A check that is only a warning up to a rate of rows."""

    max_rate: float = Field(
        default=0.01, ge=0, le=1, description="share of rows up to which it is only a warning"
    )


class MinimumCheck(Check):
    """A check for a least number of rows."""

    minimum: int = Field(default=50, ge=1, description="least rows of an intent")


class RatioCheck(Check):
    """A check for a highest ratio to the median."""

    max_ratio: float = Field(
        default=3.0, gt=1, description="most rows of an intent, in multiples of the median"
    )


class ShareCheck(Check):
    """A check for a least share of rows."""

    minimum: float = Field(
        default=0.2, ge=0, le=1, description="rows with several intents per row with one"
    )


class DataPolicy(StrictModel):
    """Levels and limits of the data checks; each key is the code of a finding.

    ``error`` fails validation (exit 1), ``warning`` and ``info`` do not, ``off`` skips the check.
    By default what the labelling guide recommends is a warning, and an error is what no model
    can be trained on.
    """

    no_rows: ErrorCheck = ErrorCheck()
    single_intent: ErrorCheck = ErrorCheck()
    malformed_output: MalformedCheck = MalformedCheck()
    empty_text: ErrorCheck = ErrorCheck()
    unknown_intent: ErrorCheck = ErrorCheck()
    parameter_count: Check = Check()
    conflicting_labels: Check = Check()
    duplicate: Check = Check()
    too_few_examples: MinimumCheck = MinimumCheck()
    imbalanced: RatioCheck = RatioCheck()
    multi_intent_share: ShareCheck = ShareCheck()
    multi_intent_unseen_alone: Check = Check()
    ambiguous_output: Check = Check()
    parameter_not_in_utterance: Check = Check()
    personal_data: Check = Check()
    examples_per_finding: int = Field(
        default=5, ge=0, description="rows that the report shows for a finding"
    )
