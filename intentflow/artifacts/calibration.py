"""``calibration.json``: how a model's raw confidences become shares of correct answers."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field

from intentflow.artifacts.document import ClosedArtifact

CALIBRATION_FILE = "calibration.json"
"""Name of the calibration in a model directory."""

OOS_FALSE_ALARM_RATE = 0.02
"""Share of rows in scope that may count as out of scope, unless a recipe states another."""

ScopeScore = Literal["confidence", "ranking"]
"""What decides whether an answer is out of scope."""

_EPSILON = 1e-6  # a confidence of 0 or 1 has no finite logit


class Calibration(ClosedArtifact):
    """The calibration of a model's confidences, in its directory.

    Example:
        >>> calibration = Calibration(
        ...     slope=0.5, intercept=0.0, n=100, data_digest="", ece_raw=0.2, ece=0.1,
        ...     engine="transformers", constrained=True,
        ... )
        >>> round(calibration.apply(0.9), 6)
        0.75
    """

    WRONG_KIND: ClassVar[str] = "not a JSON object, so not a calibration"
    ADVICE: ClassVar[str] = "remove it and run intentflow calibrate"

    slope: float = Field(
        gt=0,
        allow_inf_nan=False,
        description="a of the calibrated confidence sigmoid(a * logit(raw) + b)",
    )
    intercept: float = Field(allow_inf_nan=False, description="b of that sigmoid")
    oos_threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Score of scope below which an answer counts as out of scope; null for none",
    )
    oos_score: ScopeScore = Field(
        "confidence",
        description="Score that the threshold is compared with: the calibrated confidence or, of a "
        "model that ranks its intents, p / (p + sqrt(q)) of the first intent in scope and of out "
        "of scope",
    )
    oos_false_alarm_rate: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Share of rows in scope that is expected below the threshold at most; null "
        "without a threshold",
    )
    oos_rows: int | None = Field(
        None, ge=1, description="Number of rows in scope that the threshold was chosen on"
    )
    n: int = Field(ge=1, description="Number of rows that it was fitted on")
    data_digest: str = Field(description="SHA-256 of those rows")
    ece_raw: float = Field(
        ge=0, le=1, description="Expected calibration error of the raw confidences on those rows"
    )
    ece: float = Field(
        ge=0, le=1, description="Expected calibration error of the calibrated confidences"
    )
    engine: str = Field(description="Name of the engine that gave the answers")
    constrained: bool = Field(description="Whether the answers were constrained to the taxonomy")

    def apply(self, raw: float) -> float:
        """The calibrated confidence of a raw one, both in [0, 1]."""
        return _sigmoid(self.slope * logit(raw) + self.intercept)


def logit(confidence: float) -> float:
    """The logit of a confidence in [0, 1]; finite at the ends, too."""
    inside = min(max(confidence, _EPSILON), 1 - _EPSILON)
    return math.log(inside) - math.log1p(-inside)


def _sigmoid(value: float) -> float:
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    power = math.exp(max(value, -700.0))
    return power / (1 + power)
