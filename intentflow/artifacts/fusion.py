"""``classifier/classifier.json``: the linear classifier that decides on intents with a model."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from intentflow.artifacts.document import ClosedArtifact, Integer, Section

CLASSIFIER_FILE = "classifier/classifier.json"
"""The classifier of a model directory; a folder of its own, for servers read all weights of the
directory itself as the model's."""
CLASSIFIER_WEIGHTS_FILE = "classifier/weights.safetensors"


class IntentOccurrence(Section):
    """An intent in an answer."""

    intent: str = Field(description="Name of the intent")
    nth: Integer = Field(description="1 for its first occurrence, 2 for its second")


class Fusion(ClosedArtifact):
    """A classifier of the training rows, and how its log probabilities are added to the model's.

    The intents' tokens get the scores ``model + weight * log(classifier)``; ``temperature`` divides
    them where they are given as probabilities.
    """

    WRONG_KIND: ClassVar[str] = "not a JSON object, so not a classifier"
    ADVICE: ClassVar[str] = "train again, or remove the folder classifier"

    weight: float = Field(
        gt=0, allow_inf_nan=False, description="Weight of the classifier's log probabilities"
    )
    temperature: float = Field(
        gt=0, allow_inf_nan=False, description="Temperature of the fused probabilities"
    )
    outputs: list[list[IntentOccurrence]] = Field(
        description="Intents of each output of the classifier"
    )
    independent: bool = Field(
        description="Whether each output is decided by itself, for rows with several intents"
    )
    words: list[str] = Field(description="Words and pairs of words that it knows, in order")
    characters: list[str] = Field(description="Parts of words that it knows, in order")
    weights_digest: str = Field(description="SHA-256 of weights.safetensors")
    train_rows: int = Field(ge=1, description="Rows that the classifier was trained on")
    n: int = Field(ge=1, description="Validation rows that weight and temperature were fitted on")
    data_digest: str = Field(description="SHA-256 of those rows")
    model_accuracy: float = Field(
        ge=0, le=1, description="Share of those rows whose intent the model alone puts first"
    )
    classifier_accuracy: float = Field(
        ge=0, le=1, description="Share of those rows whose intent the classifier alone puts first"
    )
    fused_accuracy: float = Field(
        ge=0,
        le=1,
        description="Share of those rows whose intent both together put first, with a weight "
        "fitted on the other folds of the rows",
    )
