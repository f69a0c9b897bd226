"""Confidences: calibrated ones keep their order and are nearer to the truth."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intentflow.artifacts.calibration import CALIBRATION_FILE, Calibration
from intentflow.errors import IntentflowError
from intentflow.evaluation.reliability import (
    coverage_curve,
    expected_calibration_error,
    reliability_bins,
)
from intentflow.inference.calibration import fit_calibration, read_calibration

GOOD: dict[str, Any] = {
    "slope": 0.5,
    "intercept": -0.25,
    "oos_threshold": 0.4,
    "n": 100,
    "data_digest": "d",
    "ece_raw": 0.2,
    "ece": 0.1,
    "engine": "transformers",
    "constrained": True,
}
ROWS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def _drawn(
    size: int, chance: Callable[[float], float], seed: int = 0
) -> tuple[list[float], list[bool]]:
    """Confidences, and answers right with a chance that depends on them."""
    draw = random.Random(seed)
    confidences = [draw.betavariate(3, 1) for _ in range(size)]
    return confidences, [draw.random() < chance(value) for value in confidences]


def _overconfident(value: float) -> float:
    return 0.5 + (value - 0.5) * 0.4


def _calibrated(confidences: Sequence[float], right: Sequence[bool]) -> list[float]:
    slope, intercept = fit_calibration(list(zip(confidences, right, strict=True)))
    fitted = Calibration(**{**GOOD, "slope": slope, "intercept": intercept})
    return [fitted.apply(value) for value in confidences]


def test_confidences_that_are_true_have_a_small_error() -> None:
    assert expected_calibration_error(*_drawn(20_000, lambda value: value)) < 0.02


def test_the_error_is_the_distance_of_confidence_and_accuracy() -> None:
    assert expected_calibration_error([0.9] * 4, [True, True, False, False]) == pytest.approx(0.4)


def test_the_error_weighs_bins_by_their_rows() -> None:
    error = expected_calibration_error([0.95, 0.95, 0.95, 0.15], [True, True, True, True])
    assert error == pytest.approx(0.75 * 0.05 + 0.25 * 0.85)


def test_overconfidence_becomes_less_by_calibration() -> None:
    confidences, right = _drawn(2_000, _overconfident)
    fitted = _calibrated(confidences, right)
    before = expected_calibration_error(confidences, right)
    assert expected_calibration_error(fitted, right) < before / 3


def test_overconfidence_becomes_less_on_other_rows_too() -> None:
    slope, intercept = fit_calibration(
        list(zip(*_drawn(1_000, _overconfident, seed=1), strict=True))
    )
    fitted = Calibration(**{**GOOD, "slope": slope, "intercept": intercept})
    confidences, right = _drawn(2_000, _overconfident, seed=2)
    before = expected_calibration_error(confidences, right)
    after = expected_calibration_error([fitted.apply(value) for value in confidences], right)
    assert after < before / 2


def test_true_confidences_stay_as_they_are() -> None:
    slope, intercept = fit_calibration(list(zip(*_drawn(20_000, lambda value: value), strict=True)))
    assert (slope, intercept) == (pytest.approx(1, abs=0.1), pytest.approx(0, abs=0.1))


def test_the_fit_is_the_likelihoods_greatest() -> None:
    """Against scikit-learn's logistic regression, whose targets are 0 and 1, on many rows."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    confidences, right = _drawn(20_000, _overconfident)
    logits = np.array([[np.log(value / (1 - value))] for value in confidences])
    peer = LogisticRegression(C=1e6).fit(logits, right)
    slope, intercept = fit_calibration(list(zip(confidences, right, strict=True)))
    assert slope == pytest.approx(peer.coef_[0][0], rel=0.02)
    assert intercept == pytest.approx(peer.intercept_[0], rel=0.02)


@pytest.mark.parametrize("is_right", [True, False])
def test_rows_that_are_all_right_or_all_wrong_have_a_calibration(is_right: bool) -> None:
    fitted = _calibrated([0.2, 0.9, 0.99, 1.0], [is_right] * 4)
    assert fitted == sorted(fitted)
    assert all((value > 0.5) == is_right for value in fitted[2:])


def test_one_row_has_a_calibration() -> None:
    assert 0 < _calibrated([1.0], [True])[0] < 1


def test_confidences_that_are_the_wrong_way_round_keep_their_order() -> None:
    confidences, right = _drawn(500, lambda value: 1 - value)
    fitted = _calibrated(confidences, right)
    assert sorted(range(500), key=fitted.__getitem__) == sorted(
        range(500), key=confidences.__getitem__
    )


@settings(max_examples=50)
@given(ROWS)
def test_calibrated_confidences_keep_their_order_and_lie_between_0_and_1(
    rows: list[tuple[float, bool]],
) -> None:
    rows = sorted(rows)
    fitted = _calibrated([value for value, _ in rows], [right for _, right in rows])
    assert fitted == sorted(fitted)
    assert all(0 <= value <= 1 for value in fitted)


@given(ROWS)
def test_bins_hold_every_row_once(rows: list[tuple[float, bool]]) -> None:
    confidences, right = [value for value, _ in rows], [is_right for _, is_right in rows]
    bins = reliability_bins(confidences, right)
    assert sum(b.n for b in bins) == len(rows)
    assert sum(b.n * b.accuracy for b in bins) == pytest.approx(sum(right))
    assert sum(b.n * b.confidence for b in bins) == pytest.approx(sum(confidences))
    assert all(b.low - 1e-9 <= b.confidence <= b.high + 1e-9 for b in bins)


def test_a_bin_without_a_row_is_left_out() -> None:
    found = [(b.low, b.high, b.n) for b in reliability_bins([0.0, 1.0], [False, True])]
    assert found == [(0.0, 0.1, 1), (0.9, 1.0, 1)]


@given(ROWS)
def test_the_curve_is_what_each_threshold_keeps(rows: list[tuple[float, bool]]) -> None:
    for point in coverage_curve(*zip(*rows, strict=True)):  # type: ignore[arg-type]
        kept = [right for value, right in rows if value >= point.threshold]
        assert point.coverage == pytest.approx(len(kept) / len(rows))
        assert point.accuracy == pytest.approx(sum(kept) / len(kept))


@given(ROWS)
def test_the_curve_rises_in_coverage_to_all_rows(rows: list[tuple[float, bool]]) -> None:
    curve = coverage_curve(*zip(*rows, strict=True))  # type: ignore[arg-type]
    covered = [point.coverage for point in curve]
    assert covered == sorted(set(covered))
    assert len(covered) <= 20
    assert covered[-1] == 1.0


# --- the file


def test_a_calibration_reads_back_as_it_was_written(tmp_path: Path) -> None:
    Calibration(**GOOD).write(tmp_path / CALIBRATION_FILE)
    assert read_calibration(tmp_path) == Calibration(**GOOD)


def test_a_model_without_one_has_none(tmp_path: Path) -> None:
    assert read_calibration(tmp_path) is None


@pytest.mark.parametrize(
    ("change", "printed"),
    [
        ({"slope": 0}, "slope"),
        ({"slope": -1.0}, "slope"),
        ({"intercept": float("nan")}, "intercept"),
        ({"oos_threshold": 1.5}, "oos_threshold"),
        ({"slop": 1.0}, "did you mean slope"),
        ({"n": None}, "n"),
    ],
)
def test_a_damaged_calibration_is_refused(
    change: dict[str, Any], printed: str, tmp_path: Path
) -> None:
    (tmp_path / CALIBRATION_FILE).write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(IntentflowError, match=printed):
        read_calibration(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "\xff"])
def test_a_calibration_that_is_not_json_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / CALIBRATION_FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(IntentflowError, match="remove it and run intentflow calibrate"):
        read_calibration(tmp_path)


def test_reading_a_calibration_needs_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, intentflow.inference.calibration as c; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
