"""Quantize: a 4-bit copy of a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from intentflow.config import StrictModel

if TYPE_CHECKING:
    from intentflow.artifacts.quantization import QuantizationRecord

Method = Literal["awq", "gptq"]
QUANTIZED = "How the 4-bit copy is made, which is then what is scored and served"


class QuantizeConfig(StrictModel):
    """How weights are quantized."""

    method: Method = Field(description=QUANTIZED)


def run_quantize(
    model: str | Path,
    quantized: str | Path,
    calibration: str | Path,
    config: QuantizeConfig,
    *,
    validation: str | Path | None = None,
) -> QuantizationRecord:
    """Write a 4-bit copy of a model directory.

    Args:
        model: The model directory.
        quantized: The directory to write.
        calibration: Training records that the weights are fitted on.
        config: The method.
        validation: Records that the copy's confidence is calibrated on; None for none.

    Returns:
        Method, group size, rows used, bytes of the weights and what became of the confidences.

    Raises:
        IntentflowError: Not a model, one with 4-bit weights already, or no rows.
        ModuleNotFoundError: The ``quantize`` extra is not installed.
    """
    from intentflow.quantization import quantize
    from intentflow.records import read_records

    return quantize(
        model,
        quantized,
        method=config.method,
        calibration=read_records(calibration),
        validation=read_records(validation) if validation is not None else [],
    )
