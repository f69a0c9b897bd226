"""``quantization.json``: how a 4-bit copy of a model was made."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from intentflow.artifacts.document import Artifact, Whole

QUANTIZATION_FILE = "quantization.json"
"""Name of the record in a model directory."""

Confidences = Literal["fitted", "left out", "none"]


class QuantizationRecord(Artifact):
    """What a directory with 4-bit weights states about them."""

    NOT_ONE: ClassVar[str] = "not the record of a quantization"
    SIGN: ClassVar[str] = "method"
    ADVICE: ClassVar[str] = "quantize again"

    method: str = Field(description="awq or gptq")
    group_size: Whole = Field(description="Weights that share a scale")
    calibration_rows: Whole = Field(description="Rows that the weights were fitted on")
    weight_bytes: Whole = Field(description="Size of the weight files")
    confidences: Confidences = Field(description="What became of the calibration of confidences")
