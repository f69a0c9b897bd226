"""Calibration: confidences that state the share of correct answers.

Source: J. Platt, "Probabilistic Outputs for Support Vector Machines", 1999.

A sigmoid over the logit of the raw confidence is fitted by maximum likelihood on rows that were not
used for training, with that paper's targets in place of 0 and 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field

from intentflow.config import StrictModel
from intentflow.errors import InputError
from intentflow.io.files import atomic_file

CALIBRATION_FILE = "calibration.json"
MIN_SLOPE = 1e-3  # keeps the order of confidences

_EPSILON = 1e-6  # a confidence of 0 or 1 has no finite logit


class Calibration(StrictModel):
    """Contents of ``calibration.json`` in a model directory.

    Attributes:
        slope: ``a`` of the calibrated confidence ``sigmoid(a * logit(raw) + b)``; above 0.
        intercept: ``b``.
        oos_threshold: Calibrated confidence below which an answer counts as out of scope; None if
            no threshold improves the scores.
        n: Number of rows it was fitted on.
        data_digest: Content digest of those rows.
        ece_raw: Expected calibration error of the raw confidences on those rows.
        ece: The same of the calibrated ones.
        engine: Engine that gave the answers.
        constrained: Whether they were constrained to the taxonomy.
    """

    slope: float = Field(gt=0, allow_inf_nan=False)
    intercept: float = Field(allow_inf_nan=False)
    oos_threshold: float | None = Field(default=None, ge=0, le=1)
    n: int = Field(ge=1)
    data_digest: str
    ece_raw: float = Field(ge=0, le=1)
    ece: float = Field(ge=0, le=1)
    engine: str
    constrained: bool

    @classmethod
    def read(cls, folder: str | Path) -> Self | None:
        """Read the calibration of a model directory; None if it has none.

        Raises:
            InputError: The file is damaged.
        """
        path = Path(folder) / CALIBRATION_FILE
        if not path.is_file():
            return None
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise InputError(f"{path}: not JSON; remove it and run intentflow calibrate") from None
        return cls.from_mapping(document, str(path))

    def write(self, folder: str | Path) -> None:
        """Write ``calibration.json`` into a model directory."""
        with atomic_file(Path(folder) / CALIBRATION_FILE) as partial:
            partial.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def apply(self, raw: float) -> float:
        """The calibrated confidence of a raw one, both in [0, 1]."""
        return _sigmoid(self.slope * _logit(raw) + self.intercept)


def fit_calibration(rows: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """Fit slope and intercept of the calibrated confidence by penalised maximum likelihood.

    Platt's targets, (right + 1) / (right + 2) and 1 / (wrong + 2), and a unit normal prior of the
    slope around 1 keep both finite if all rows are right or all wrong; with hundreds of rows their
    effect is negligible. The problem is convex, so the result is unique.

    Args:
        rows: Raw confidence, and whether the answer's intents were right.
    """
    import numpy as np
    from scipy.optimize import minimize

    scores = np.array([_logit(raw) for raw, _ in rows])
    right = np.array([is_right for _, is_right in rows], dtype=bool)
    above, below = (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2)
    targets = np.where(right, above, below)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        slope, intercept = parameters
        z = slope * scores + intercept
        value = (np.logaddexp(0, z) - targets * z).sum() + (slope - 1) ** 2 / 2
        error = np.exp(-np.logaddexp(0, -z)) - targets
        return float(value), np.array([(error * scores).sum() + slope - 1, error.sum()])

    bounds = [(MIN_SLOPE, None), (None, None)]
    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), float(found.x[1])


def _logit(confidence: float) -> float:
    inside = min(max(confidence, _EPSILON), 1 - _EPSILON)
    return math.log(inside) - math.log1p(-inside)


def _sigmoid(value: float) -> float:
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    power = math.exp(max(value, -700.0))
    return power / (1 + power)
