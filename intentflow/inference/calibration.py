"""Calibration: confidences that state the share of correct answers.

Source: J. Platt, "Probabilistic Outputs for Support Vector Machines", 1999.

A sigmoid over the logit of the raw confidence is fitted by maximum likelihood on rows that were not
used for training, with that paper's targets in place of 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from intentflow.artifacts.calibration import CALIBRATION_FILE, Calibration, logit

MIN_SLOPE = 1e-3  # keeps the order of confidences


def read_calibration(folder: str | Path) -> Calibration | None:
    """Read the calibration of a model directory; None if it has none.

    Raises:
        InputError: The file is damaged, or newer than this release.
    """
    path = Path(folder) / CALIBRATION_FILE
    return Calibration.read(path) if path.is_file() else None


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

    scores = np.array([logit(raw) for raw, _ in rows])
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
