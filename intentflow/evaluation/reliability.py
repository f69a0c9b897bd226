"""Reliability of confidences: calibration error, reliability bins, coverage curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from intentflow.artifacts.confidence_scores import CalibrationScores, CoveragePoint, ReliabilityBin
from intentflow.evaluation.scored_rows import Scored

_BINS = 10
_POINTS = 20


def calibration_scores(rows: Sequence[Scored], *, fitted: bool) -> CalibrationScores | None:
    """The ``calibration`` of ``metrics.json``, over the rows that have a confidence.

    An answer counts as correct if its intents are.

    Args:
        rows: Scored rows.
        fitted: Whether the model has a calibration, so that ``confidence`` is not the raw one.

    Returns:
        None if no row has a confidence.
    """
    sure = [row for row in rows if row.confidence is not None and row.raw_confidence is not None]
    if not sure:
        return None
    right = [row.intent_right for row in sure]
    confidences = [row.confidence or 0.0 for row in sure]
    return CalibrationScores(
        ece=expected_calibration_error(confidences, right),
        ece_raw=expected_calibration_error([row.raw_confidence or 0.0 for row in sure], right),
        fitted=fitted,
        bins=reliability_bins(confidences, right),
        coverage=coverage_curve(confidences, right),
    )


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Mean difference of confidence and accuracy over ten bins of equal width, weighted by rows.

    Source: Guo et al., "On Calibration of Modern Neural Networks" (2017), section 2.

    Args:
        confidences: Confidences in [0, 1]; at least one.
        right: Whether each answer is correct.

    Example:
        >>> round(expected_calibration_error([0.9, 0.9, 0.9, 0.9], [True, True, True, False]), 2)
        0.15
    """
    bins = reliability_bins(confidences, right)
    weighted = sum(b.n * abs(b.confidence - b.accuracy) for b in bins)
    return float(weighted / len(confidences))


def reliability_bins(confidences: Sequence[float], right: Sequence[bool]) -> list[ReliabilityBin]:
    """Number of rows, mean confidence and accuracy of each tenth of [0, 1] that contains rows.

    A bin includes its lower end; the last one also includes 1.
    """
    sure, hits = _arrays(confidences, right)
    places = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(places, minlength=_BINS)
    sums = np.bincount(places, sure, _BINS), np.bincount(places, hits, _BINS)
    return [
        ReliabilityBin(
            low=i / _BINS,
            high=(i + 1) / _BINS,
            n=int(counts[i]),
            confidence=float(sums[0][i] / counts[i]),
            accuracy=float(sums[1][i] / counts[i]),
        )
        for i in range(_BINS)
        if counts[i]
    ]


def coverage_curve(confidences: Sequence[float], right: Sequence[bool]) -> list[CoveragePoint]:
    """Accuracy of the answers at or above a confidence, from the most confident ones to all.

    Returns:
        At most 20 points of rising ``coverage`` (share of rows kept); answers of equal confidence
        are kept or left out together, as by a threshold.
    """
    sure, hits = _arrays(confidences, right)
    order = np.argsort(-sure, kind="stable")
    sure, hits = sure[order], hits[order]
    last = np.flatnonzero(np.append(np.diff(sure) != 0, True)) + 1  # rows kept at each confidence
    wanted = np.ceil(len(sure) * np.arange(1, _POINTS + 1) / _POINTS)
    kept = np.unique(last[np.searchsorted(last, wanted)])
    found = np.cumsum(hits)
    return [
        CoveragePoint(
            coverage=float(k / len(sure)),
            threshold=float(sure[k - 1]),
            accuracy=float(found[k - 1] / k),
        )
        for k in kept
    ]


def _arrays(
    confidences: Sequence[float], right: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array(confidences, np.float64), np.array(right, np.float64)
