"""Rows of ``predictions.jsonl``: a model's answers together with the labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field

from intentflow.artifacts.document import Artifact, Integer, Number, Rate, Section, write_lines
from intentflow.errors import InputError


class RankedIntent(Section):
    """An intent with its probability."""

    intent: str = Field(description="Name of the intent")
    probability: Rate = Field(description="Probability of being the answer's first")


class PredictedRow(Artifact):
    """A row that ``intentflow predict --data`` writes: an answer without a label."""

    instruction: str = Field(description="The utterance")
    prediction: str = Field(description="The model's answer")
    confidence: Rate | None = Field(
        None, description="Probability that the intents are right; null if unknown"
    )
    ranking: list[RankedIntent] | None = Field(
        None, description="Intents, the most probable one first; null if unknown"
    )
    dialogue: str | None = Field(None, description="Id of the dialogue; null without one")
    rounds: Integer | None = Field(
        None, description="Number of user turns that the utterance joins; null for one"
    )

    @staticmethod
    def write_rows(path: str | Path, rows: Iterable[PredictedRow]) -> None:
        """Write JSON lines that only the owner may read, because they contain utterances."""
        write_lines(path, rows)


class GivenPrediction(Artifact):
    """The keys of a row that any tool may have written."""

    WRONG_KIND: ClassVar[str] = "expected the texts instruction, output, prediction"

    instruction: str = Field(description="The utterance")
    output: str = Field(description="The label, in the call language")
    prediction: str = Field(description="The model's answer")
    confidence: Rate | None = Field(
        None, description="Share of correct answers among similar ones; null if unknown"
    )

    margin: Number | None = Field(
        None,
        description="Smallest lead, in nats, of a token of the answer over the second best allowed "
        "one; null if unknown",
    )
    ranking: list[RankedIntent] | None = Field(
        None, description="Every intent, the most probable one first; null if unknown"
    )
    own_intent: str | None = Field(
        None,
        description="The intent that the model without its classifier puts first; null if nothing "
        "is fused",
    )

    @classmethod
    def read_rows(cls, path: str | Path) -> list[Self]:
        """Read JSON lines or an array, local or on ``s3://``.

        Raises:
            InputError: A row is invalid; the message names the file and the line.
        """
        rows = super().read_rows(path)
        if not rows:
            raise InputError(f"{path}: the file contains no rows")
        return rows

    @classmethod
    def explain(cls, location: tuple[str, ...], message: str, document: Mapping[Any, Any]) -> str:
        """The error message for a key, with advice."""
        if location == ("confidence",):
            return "confidence is not a number from 0 to 1"
        if location and cls.model_fields[location[0]].is_required():
            return cls.WRONG_KIND
        return super().explain(location, message, document)


class ScoredPrediction(GivenPrediction):
    """A row that evaluation writes."""

    intent_right: bool = Field(description="Whether the predicted intents are the label's")
    parameters_right: bool = Field(description="Whether the complete answer is the label's")
    seconds: Number | None = Field(None, description="Time for the answer; null if it was given")

    @staticmethod
    def write_rows(path: str | Path, rows: Iterable[ScoredPrediction]) -> None:
        """Write JSON lines that only the owner may read, because they contain utterances."""
        write_lines(path, rows)
