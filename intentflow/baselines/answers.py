"""What every kind of baseline hands back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intentflow.calls import OutputFormat


@dataclass(frozen=True)
class Answers:
    """One baseline's answers.

    Attributes:
        texts: One answer per row that was asked.
        about: One sentence: what answered.
        train_seconds: Until it could answer.
        predict_seconds: For all answers.
        asked: Which rows, by index in ascending order; None for all.
        output_format: What the answers are written in.
        parameters: Whether it answers with parameters; a classifier names intents alone.
    """

    texts: Sequence[str]
    about: str
    train_seconds: float
    predict_seconds: float
    asked: Sequence[int] | None = None
    output_format: OutputFormat = "call"
    parameters: bool = False
