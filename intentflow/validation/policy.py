"""The data policy: levels and limits of the findings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from intentflow.config import StrictModel

Level = Literal["error", "warning", "info", "off"]

_LEVEL = "Severity of the finding: an error makes validation fail; off skips the check"


class Check(StrictModel):
    """A check without limits, for which every occurrence counts."""

    level: Level = Field("warning", description=_LEVEL)

    @field_validator("level", mode="before")
    @classmethod
    def _off_without_quotes(cls, level: object) -> object:
        """Accept a bare ``off``, which YAML 1.1 reads as false."""
        return "off" if level is False else level


class ErrorCheck(Check):
    """A check for problems that make training impossible."""

    level: Level = Field("error", description=_LEVEL)


class MalformedCheck(ErrorCheck):
    """A check that is only a warning up to a rate of rows."""

    max_rate: float = Field(
        default=0.01, ge=0, le=1, description="maximum share of rows for which it is only a warning"
    )


class MinimumCheck(Check):
    """A check for a minimum number of rows."""

    minimum: int = Field(default=50, ge=1, description="minimum number of rows of an intent")


class RatioCheck(Check):
    """A check for a maximum ratio to the median."""

    max_ratio: float = Field(
        default=3.0, gt=1, description="maximum rows of an intent, in multiples of the median"
    )


class ShareCheck(Check):
    """A check for a minimum share of rows."""

    minimum: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="rows with several intents or rounds, per row with one of each",
    )


class PhrasingCheck(Check):
    """A check for a minimum share of distinct phrasings."""

    minimum: float = Field(
        default=0.5, ge=0, le=1, description="distinct phrasings of an intent per row"
    )


class LabelErrorCheck(Check):
    """A check of labels against a classifier that was trained without the row."""

    max_confidence: float = Field(
        default=0.01,
        gt=0,
        lt=0.5,
        description="maximum probability of a label that is doubted",
    )
    minimum: int = Field(
        default=10, ge=3, description="minimum number of rows of a label for its rows to be checked"
    )
    sample_rows: int = Field(
        default=50_000, ge=1_000, description="maximum number of rows that are checked"
    )


class LanguageCheck(Check):
    """A check for a maximum share of rows in another language."""

    max_rate: float = Field(
        default=0.0, ge=0, le=1, description="tolerated share of rows in other languages"
    )
    sample_rows: int = Field(
        default=100_000,
        ge=1_000,
        description="maximum number of rows that are checked, evenly spread",
    )


class LengthCheck(Check):
    """A check for rows that are longer than the others."""

    max_ratio: float = Field(
        default=3.0, gt=1, description="tokens of a row, in multiples of the 95th percentile"
    )
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        description="maximum tokens of a row, utterance and label; no limit if empty",
    )


class LeakageCheck(ErrorCheck):
    """A check for rows of other files; near-duplicates alone are only a warning."""

    near: bool = Field(default=True, description="whether near-duplicates count too")


class DataPolicy(StrictModel):
    """Levels and limits of the data checks; each key is the code of a finding.

    ``error`` fails validation (exit 1), ``warning`` and ``info`` do not, ``off`` skips the check.
    By default the labelling guide's recommendations are warnings, and problems that make training
    impossible are errors.
    """

    no_rows: ErrorCheck = ErrorCheck()
    single_intent: ErrorCheck = ErrorCheck()
    unlikely_utterances: ErrorCheck = ErrorCheck()
    parameters_never_in_utterance: Check = Check()
    malformed_output: MalformedCheck = MalformedCheck()
    empty_text: ErrorCheck = ErrorCheck()
    lookalike_intents: Check = Check()
    unknown_intent: ErrorCheck = ErrorCheck()
    parameter_count: Check = Check()
    unknown_value: Check = Check()
    conflicting_labels: Check = Check()
    leakage: LeakageCheck = LeakageCheck()
    duplicate: Check = Check()
    too_few_examples: MinimumCheck = MinimumCheck()
    imbalanced: RatioCheck = RatioCheck()
    multi_intent_share: ShareCheck = ShareCheck()
    multi_intent_unseen_alone: Check = Check()
    multi_round_share: ShareCheck = ShareCheck()
    multi_round_unseen_alone: Check = Check()
    narrow_phrasing: PhrasingCheck = PhrasingCheck()
    probable_label_error: LabelErrorCheck = LabelErrorCheck()
    mixed_languages: LanguageCheck = LanguageCheck()
    over_long: LengthCheck = LengthCheck()
    ambiguous_output: Check = Check()
    parameter_not_in_utterance: Check = Check()
    personal_data: Check = Check()
    pre_label_changed: Check = Check(level="info")
    examples_per_finding: int = Field(
        default=5, ge=0, description="number of rows that the report shows for a finding"
    )
