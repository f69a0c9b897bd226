"""The common result of all kinds of baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intentflow.calls import OutputFormat


@dataclass(frozen=True)
class Answers:
    """The answers of one baseline.

    Attributes:
        texts: One answer per answered row.
        about: A sentence that describes the baseline.
        train_seconds: Time until it could answer.
        predict_seconds: Time for all answers.
        row_indices: Indices of the answered rows, ascending; None for all rows.
        output_format: Format of the answers.
        parameters: Whether answers have parameters; a classifier predicts only intents.
    """

    texts: Sequence[str]
    about: str
    train_seconds: float
    predict_seconds: float
    row_indices: Sequence[int] | None = None
    output_format: OutputFormat = "call"
    parameters: bool = False
