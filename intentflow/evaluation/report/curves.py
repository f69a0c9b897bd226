"""Reliability and coverage curves, and the effect of the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from intentflow.artifacts.confidence_scores import CalibrationScores, CoveragePoint, ReliabilityBin
from intentflow.artifacts.metrics import Metrics
from intentflow.evaluation.report.wording import percent, points

WIDTH, HEIGHT = 300, 220  # size of the plotted area, in SVG units
_MAX_DOT, _MIN_DOT = 11.0, 3.0
_KEPT = 0.8  # coverage that the sentence under the curve describes


def reliability_curve(calibration: CalibrationScores | None) -> dict[str, Any] | None:
    """Accuracy by confidence, with a dot per bin sized by its share of rows; None without."""
    if not calibration or not calibration.bins:
        return None
    bins = calibration.bins
    max_rows = max(b.n for b in bins)
    dots = [
        {
            "x": _x(b.confidence),
            "y": _y(b.accuracy, 0.0),
            "r": round(max(_MIN_DOT, _MAX_DOT * math.sqrt(b.n / max_rows)), 1),
            "title": f"{b.n:,} rows of confidence {percent(b.low, 0)} – "
            f"{percent(b.high, 0)}: {percent(b.accuracy)} right",
        }
        for b in bins
    ]
    return {
        "dots": dots,
        "line": " ".join(f"{dot['x']},{dot['y']}" for dot in dots),
        "ece": calibration.ece,
        "ece_raw": calibration.ece_raw,
        "fitted": calibration.fitted,
        "table": [_bin_row(b) for b in bins],
        **_size(0.0),
    }


def coverage_curve(calibration: CalibrationScores | None) -> dict[str, Any] | None:
    """Accuracy of the most confident answers, by their share of all; None without confidences."""
    if not calibration or not calibration.coverage:
        return None
    curve = calibration.coverage
    floor = math.floor(min(p.accuracy for p in curve) * 10) / 10
    floor = min(floor, 0.9)
    return {
        "line": " ".join(f"{_x(p.coverage)},{_y(p.accuracy, floor)}" for p in curve),
        "sentence": _coverage_sentence(curve),
        "table": [[percent(p.coverage), f"{p.threshold:.3f}", percent(p.accuracy)] for p in curve],
        **_size(floor),
    }


def threshold_rows(metrics: Metrics) -> dict[str, Any] | None:
    """Scores with and without the out-of-scope threshold; None without a threshold."""
    scores = metrics.with_threshold
    if scores is None:
        return None
    rows = []
    for label, before, after in (
        ("Intent accuracy", metrics.intent_accuracy, scores.intent_accuracy),
        ("Parameter accuracy", metrics.parameter_accuracy, scores.parameter_accuracy),
        ("Out of scope, precision", metrics.oos_precision, scores.oos_precision),
        ("Out of scope, recall", metrics.oos_recall, scores.oos_recall),
    ):
        change = None if before is None or after is None else after - before
        rows.append([label, percent(before), percent(after), points(change)])
    return {"threshold": scores.threshold, "replaced": scores.replaced, "rows": rows}


def _coverage_sentence(curve: Sequence[CoveragePoint]) -> str:
    """A sentence about the curve at the coverage closest to four fifths."""
    point = min(curve, key=lambda p: abs(p.coverage - _KEPT))
    if point.coverage == 1:
        return f"Confidences do not separate the rows: of all, {percent(point.accuracy)} are right."
    return (
        f"Of the {percent(point.coverage, 0)} most confident answers, "
        f"{percent(point.accuracy)} are right; of all, {percent(curve[-1].accuracy)}. "
        f"The others, below a confidence of {point.threshold:.3f}, could be reviewed by a person."
    )


def _bin_row(values: ReliabilityBin) -> list[str]:
    return [
        f"{percent(values.low, 0)} – {percent(values.high, 0)}",
        f"{values.n:,}",
        percent(values.confidence),
        percent(values.accuracy),
    ]


def _x(share: float) -> float:
    return round(WIDTH * share, 1)


def _y(rate: float, floor: float) -> float:
    return round(HEIGHT * (1 - (rate - floor) / (1 - floor)), 1)


def _size(floor: float) -> dict[str, Any]:
    return {"width": WIDTH, "height": HEIGHT, "floor": percent(floor, 0)}
