"""``quantization.json``: the record of a 4-bit copy of a model."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from intentflow.artifacts.document import Artifact, Integer

QUANTIZATION_FILE = "quantization.json"
"""Name of the record in a model directory."""

Confidences = Literal["fitted", "left out", "none"]


class QuantizationRecord(Artifact):
    """The record in a directory with 4-bit weights."""

    WRONG_KIND: ClassVar[str] = "not the record of a quantization"
    SIGN: ClassVar[str] = "method"
    ADVICE: ClassVar[str] = "quantize again"

    method: str = Field(description="awq or gptq")
    group_size: Integer = Field(description="Number of weights that share a scale")
    calibration_rows: Integer = Field(description="Rows that the weights were fitted on")
    weight_bytes: Integer = Field(description="Size of the weight files")
    confidences: Confidences = Field(description="Outcome for the calibration of confidences")
