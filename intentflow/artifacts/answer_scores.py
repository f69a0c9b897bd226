"""Sections of ``metrics.json`` about answers: intents, calls and parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from intentflow.artifacts.document import Integer, Section
from intentflow.artifacts.scores import (
    ComparableRowShare,
    RowShare,
    Score,
    Share,
    scores_of,
)


class DocumentedScores(Section):
    """Scores of the training guide's own scorer."""

    intent_accuracy: ComparableRowShare = Field(
        None, description="Share of rows with correct intents, as that scorer compares them"
    )
    parameter_accuracy: ComparableRowShare = Field(
        None, description="Share of rows with correct parameters, as that scorer compares them"
    )


class IntentScores(Section):
    """Scores of one intent."""

    precision: Share = Field(
        None, description="Share of predicted calls that are correct; null if never predicted"
    )
    recall: Share = Field(
        None, description="Share of gold calls that were predicted; null without gold calls"
    )
    f1: Share = Field(None, description="Harmonic mean of precision and recall, from 0 to 1")
    support: Annotated[Integer, Score()] = Field(0, description="Gold calls")
    predicted: Integer = Field(0, description="Predicted calls")
    correct: Integer = Field(0, description="Gold calls that were predicted")

    @property
    def is_complete(self) -> bool:
        """Whether every score and the number of rows are present."""
        return all(self.has(name) for name, _ in scores_of(IntentScores))


class Confusion(Section):
    """A pair of a gold intent and a wrong predicted one."""

    gold: str = Field(description="Gold intents, joined by '; '")
    predicted: str = Field(description="Intents that were predicted instead")
    count: Integer = Field(description="Number of such rows")
    examples: list[str] = Field([], description="A few utterances, redacted")


class CallCountScores(Section):
    """Rows with one number of labelled calls."""

    calls: Integer = Field(description="Number of labelled calls")
    n: Integer = Field(description="Rows with as many")
    intent_accuracy: Share = Field(None, description="Share of these rows with correct intents")
    parameter_accuracy: Share = Field(
        None, description="Share of these rows whose complete answer is correct"
    )


class SeveralIntentsScores(Section):
    """Rows with two or more labelled calls, and calls that are missed or too many."""

    share: RowShare = Field(None, description="Share of rows with two or more labelled calls")
    intent_accuracy: Share = Field(
        None, description="Share of those rows with correct intents; null if there are none"
    )
    parameter_accuracy: Share = Field(
        None, description="Share of those rows whose complete answer is correct; null likewise"
    )
    missed_rate: Share = Field(
        None, description="Share of all labelled calls whose intent was not predicted"
    )
    surplus_rate: Share = Field(
        None, description="Share of all predicted calls whose intent is not labelled"
    )
    by_calls: list[CallCountScores] = Field(
        [], description="Scores by number of labelled calls; rows without a readable label are out"
    )


class WrongValue(Section):
    """A labelled value and what was predicted instead."""

    gold: str = Field(description="The label's value, redacted; empty where it has none")
    predicted: str = Field(description="The answer's value, redacted; empty where it has none")
    count: Integer = Field(description="Number of such calls")


class ParameterScores(Section):
    """Scores of one parameter, over the calls whose intent is labelled or predicted."""

    intent: str = Field(description="Name of the intent")
    parameter: str = Field(
        description="Name of the parameter in the taxonomy, or parameter_1 and so on"
    )
    precision: Share = Field(
        None, description="Share of predicted values that are correct; null if there are none"
    )
    recall: Share = Field(
        None, description="Share of labelled values that were predicted; null if there are none"
    )
    f1: Share = Field(None, description="Harmonic mean of precision and recall, from 0 to 1")
    support: Integer = Field(0, description="Labelled values")
    predicted: Integer = Field(0, description="Predicted values")
    correct: Integer = Field(0, description="Labelled values that were predicted")
    wrong: list[WrongValue] = Field([], description="The commonest wrong values")
