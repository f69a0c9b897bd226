"""Rows of ``predictions.jsonl``: what a model answered, beside what the label says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field

from intentflow.artifacts.document import Artifact, Number
from intentflow.errors import IntentflowError
from intentflow.io.files import atomic_file
from intentflow.records import read_rows


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError("is no number from 0 to 1")
    return float(value)


class GivenPrediction(Artifact):
    """What is read of a row, whoever wrote it."""

    NOT_ONE: ClassVar[str] = "expected the texts instruction, output, prediction"

    instruction: str = Field(description="The utterance")
    output: str = Field(description="The label, in the call language")
    prediction: str = Field(description="The model's answer")
    confidence: Annotated[Number, AfterValidator(_share)] | None = Field(
        None, description="How often answers like it are right, from 0 to 1; null if unknown"
    )

    @classmethod
    def read_rows(cls, path: str | Path) -> list[Self]:
        """Read JSON lines or an array, here or on ``s3://``.

        Raises:
            IntentflowError: Naming the file and line of what is wrong.
        """
        rows = [cls.from_mapping(row, f"{path} {where}") for where, row in read_rows(path)]
        if not rows:
            raise IntentflowError(f"{path}: the file holds no row")
        return rows

    @classmethod
    def explain(cls, location: tuple[str, ...], message: str, document: Mapping[Any, Any]) -> str:
        """What is wrong with a key, and what to do."""
        if location == ("confidence",):
            return "confidence is no number from 0 to 1"
        if location and cls.model_fields[location[0]].is_required():
            return cls.NOT_ONE
        return super().explain(location, message, document)


class Prediction(GivenPrediction):
    """A row as evaluation writes it."""

    intent_right: bool = Field(description="Whether the predicted intents are the label's")
    parameters_right: bool = Field(description="Whether the complete answer is the label's")
    seconds: Number | None = Field(None, description="Of the answer; null where it was given")

    @staticmethod
    def write_rows(path: str | Path, rows: Iterable[Prediction]) -> None:
        """Write JSON lines; only their owner may read them, for they hold users' words."""
        with atomic_file(path, private=True) as partial, partial.open("w", encoding="utf-8") as out:
            for row in rows:
                out.write(json.dumps(row.as_dict(), ensure_ascii=False) + "\n")
