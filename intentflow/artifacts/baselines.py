"""``baselines.json``: scores of the baselines, which a tuned model has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from intentflow.artifacts.document import Artifact, Integer, Number, Section
from intentflow.artifacts.scores import Scores, Throughput

BASELINE_NAMES = {
    "majority": "the majority label",
    "linear": "the linear classifier",
    "encoder": "the fine-tuned encoder",
    "untuned": "the untuned base model",
    "few-shot": "the untuned base model with examples",
}
"""Names of the baselines in text, by their keys in the file."""


class Seconds(Section):
    """Wall time of a baseline."""

    train: Number | None = Field(None, description="Seconds of training; null if it has none")
    predict: Number | None = Field(None, description="Seconds for the answers to all rows")


class BaselineScores(Scores, Throughput):
    """Scores of one baseline."""

    seconds: Seconds | None = Field(None, description="Wall time of training and answers")
    about: str = Field("", description="A sentence that describes the baseline")

    @model_validator(mode="after")
    def _has_a_rate(self) -> Self:
        if self.intent_accuracy is None or not 0 <= self.intent_accuracy <= 1:
            raise ValueError("has no intent_accuracy in [0, 1]")
        return self


class Baselines(Artifact):
    """All baselines of one run."""

    WRONG_KIND: ClassVar[str] = (
        "contains no baselines; create it with intentflow baseline --train F --data F -o F"
    )
    SIGN: ClassVar[str] = "baselines"
    ADVICE: ClassVar[str] = "score the baselines again"

    data_digest: str | None = Field(None, description="SHA-256 of the rows")
    train_digest: str | None = Field(None, description="SHA-256 of the training rows")
    n: Integer | None = Field(None, description="Rows to score")
    train_rows: Integer | None = Field(None, description="Training rows that were used")
    train_rows_left_out: Integer | None = Field(None, description="Training rows that do not parse")
    seed: Integer | None = Field(None, description="Seed of the random choices")
    baselines: dict[str, BaselineScores] = Field(description="Scores by the baseline's name")

    @classmethod
    def explain(cls, location: tuple[str, ...], message: str, document: Mapping[Any, Any]) -> str:
        """The error message for a key, with advice."""
        of_one = len(location) > 1 and location[0] == cls.SIGN
        if of_one and (len(location) == 2 or location[2] == "intent_accuracy"):
            return f"{cls.SIGN}.{location[1]} has no intent_accuracy in [0, 1]"
        return super().explain(location, message, document)
