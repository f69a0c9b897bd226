"""Quantize: a 4-bit copy of a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from intentflow.config import StrictModel

if TYPE_CHECKING:
    from intentflow.artifacts.quantization import QuantizationRecord

Method = Literal["awq", "gptq"]
QUANTIZED = "Method of the 4-bit copy, which is then scored and served"


class QuantizeConfig(StrictModel):
    """Configuration of quantization."""

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
        Method, group size, number of rows, size of the weights and outcome for the confidences.

    Raises:
        InputError: The directory is not a model or has 4-bit weights already, or there are no
            rows.
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
