"""``parity.json``: rows that two engines answer differently."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from intentflow.artifacts.document import Artifact, Integer, Number, Section


class DifferentAnswer(Section):
    """A row with two answers."""

    row: Integer = Field(description="Number of the row, from 1")
    instruction: str = Field(description="The utterance")
    output: str = Field(description="The label")
    prediction: str = Field(description="Answer of the engine that was evaluated")
    other_prediction: str = Field(description="Answer in the predictions that were given")
    margin: Number | None = Field(
        None, description="Smallest lead of a token over the second best, in nats; null if unknown"
    )
    other_margin: Number | None = Field(
        None, description="Smallest lead in the other answer, in nats; null if unknown"
    )
    right: bool = Field(description="Whether the answer is the label's")
    other_right: bool = Field(description="Whether the other answer is the label's")


class Parity(Artifact):
    """The differences between the answers of two engines to the same rows."""

    WRONG_KIND: ClassVar[str] = "not a parity.json; `intentflow evaluate --parity` writes one"
    SIGN: ClassVar[str] = "n"
    ADVICE: ClassVar[str] = "evaluate again"

    n: Integer = Field(description="Number of rows")
    rows: list[DifferentAnswer] = Field([], description="Rows whose answers differ")
