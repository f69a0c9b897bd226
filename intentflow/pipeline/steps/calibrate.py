"""Calibrate: confidences of a model that say how many of its answers are correct."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from intentflow.artifacts.calibration import OOS_FALSE_ALARM_RATE
from intentflow.config import StrictModel

if TYPE_CHECKING:
    from intentflow.artifacts.calibration import Calibration


class CalibrateConfig(StrictModel):
    """Configuration of calibrating a model's confidences."""

    engine: Literal["auto", "transformers", "vllm"] = Field(
        "auto", description="Engine that will serve the model"
    )
    constrained: bool | None = Field(
        None, description="Constrain answers to the taxonomy (default if the model has one)"
    )
    oos_false_alarm_rate: float = Field(
        OOS_FALSE_ALARM_RATE,
        ge=0,
        lt=1,
        description="Share of rows in scope that may count as out of scope, for a taxonomy that "
        "names an out-of-scope intent; 0: only what the model answers counts",
    )


def run_calibrate(
    model: str | Path, validation_set: str | Path, config: CalibrateConfig | None = None
) -> Calibration:
    """Fit a model's confidences on validation rows and write them into its directory.

    Args:
        model: Model directory.
        validation_set: Records, neither training nor test rows.
        config: Engine, and whether answers are constrained; the defaults if None.

    Returns:
        The content of ``calibration.json``.

    Raises:
        InputError: There are no rows, they are those of the training, or the directory is not a
            model.
        UsageError: The engine has no confidences, or the model is an endpoint.
    """
    from intentflow.evaluation.calibrate import calibrate_model
    from intentflow.records import read_records

    settings = config or CalibrateConfig()
    rows = read_records(validation_set)
    rate = settings.oos_false_alarm_rate
    return calibrate_model(model, rows, settings.engine, settings.constrained, rate)
