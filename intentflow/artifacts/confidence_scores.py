"""Sections of ``metrics.json`` about confidences and ranked intents."""

from __future__ import annotations

from pydantic import Field

from intentflow.artifacts.document import Integer, Number, Section
from intentflow.artifacts.scores import (
    Amount,
    RowShare,
    Share,
)


class ReliabilityBin(Section):
    """Rows of similar confidence."""

    low: Number = Field(description="Lower end of the bin, from 0 to 1")
    high: Number = Field(description="Upper end of the bin, from 0 to 1")
    n: Integer = Field(description="Number of rows in the bin")
    confidence: Number = Field(description="Mean of the bin's rows")
    accuracy: Number = Field(description="Share of the bin's rows that are correct")


class CoveragePoint(Section):
    """The most confident answers, and the share of correct ones among them."""

    coverage: Number = Field(description="Share of rows kept")
    threshold: Number = Field(description="Confidence of the least confident row kept")
    accuracy: Number = Field(description="Share of the kept rows that are correct")


class CalibrationScores(Section):
    """The reliability of confidences."""

    ece: Share = Field(None, description="Expected calibration error")
    ece_raw: Share = Field(None, description="Expected calibration error before calibration")
    fitted: bool = Field(False, description="Whether the model has a calibration")
    bins: list[ReliabilityBin] = Field(
        [], description="Ten bins of equal width; empty ones are left out"
    )
    coverage: list[CoveragePoint] = Field([], description="Points from few rows kept to all")


class ThresholdScores(Section):
    """Scores with unsure answers counted as out of scope, as services give them."""

    threshold: Share = Field(
        None, description="Score of scope below which an answer counts as out of scope"
    )
    intent_accuracy: RowShare = Field(None, description="Share of rows with correct intents")
    parameter_accuracy: RowShare = Field(
        None, description="Share of rows whose complete answer is correct"
    )
    oos_precision: Share = Field(None, description="Precision of out of scope, from 0 to 1")
    oos_recall: Share = Field(None, description="Recall of out of scope, from 0 to 1")
    false_alarm_rate: Share = Field(
        None, description="Share of the rows in scope that are below the threshold"
    )
    in_scope_accuracy_lost: Amount = Field(
        None,
        description="Intent accuracy of the rows in scope, less that with the threshold",
    )
    replaced: Amount = Field(None, description="Answers below the threshold")


class MarginBin(Section):
    """Rows whose most probable intent has a similar lead."""

    low: Number = Field(description="Lower end of the bin, from 0 to 1")
    high: Number = Field(description="Upper end of the bin, from 0 to 1")
    n: Integer = Field(description="Number of rows in the bin")
    accuracy: Number = Field(description="Share of the bin's rows with correct intents")


class FusedScores(Section):
    """Rows whose first intent the classifier that is fused with the model changes."""

    own_accuracy: RowShare = Field(
        None, description="Share of rows whose first intent the model without it has right"
    )
    fused_accuracy: RowShare = Field(
        None, description="Share of rows whose first intent the model with it has right"
    )
    won: Amount = Field(None, description="Rows that are right only with it")
    lost: Amount = Field(None, description="Rows that are right only without it")


class RankingScores(Section):
    """Scores of the ranked intents of a model that was trained with ``intent_tokens``."""

    n: Integer = Field(description="Rows with a ranking")
    top3_accuracy: RowShare = Field(
        None,
        description="Share of rows with a labelled intent among the three most probable ones",
    )
    median_margin: Amount = Field(
        None, description="Median lead in probability of the first intent over the second"
    )
    margins: list[MarginBin] = Field(
        [], description="Five bins of equal width of that lead; empty ones are left out"
    )
    fused: FusedScores | None = Field(
        None, description="Effect of the classifier; null if none is fused with the model"
    )
