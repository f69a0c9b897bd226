"""The out-of-scope threshold: a stated rate of false alarms, without rows that are out of scope."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.linear import fit_linear
from intentflow.evaluation.thresholds import false_alarm_threshold
from intentflow.records import read_records

RATES = [0.02, 0.05, 0.2]
BANKING = Path(__file__).parents[1] / "data" / "sets" / "banking77.json"


@pytest.mark.parametrize("rate", RATES)
def test_new_rows_are_false_alarms_at_most_at_the_stated_rate(rate: float) -> None:
    """Over many draws, within three standard errors of the mean."""
    numbers = np.random.default_rng(0)
    alarms = []
    for _ in range(400):
        seen, new = numbers.beta(5, 1, 137), numbers.beta(5, 1, 500)
        threshold = false_alarm_threshold(seen.tolist(), rate)
        assert threshold is not None
        alarms.append(float((new < threshold).mean()))
    assert np.mean(alarms) <= rate + 3 * np.std(alarms) / len(alarms) ** 0.5


@pytest.mark.parametrize("rate", RATES)
def test_the_rate_is_used_up(rate: float) -> None:
    """A threshold of 0 would keep any promise."""
    numbers = np.random.default_rng(1)
    seen, new = numbers.random(999), numbers.random(100_000)
    threshold = false_alarm_threshold(seen.tolist(), rate)
    assert (new < threshold).mean() > 0.6 * rate


def test_a_classifiers_held_out_rows_keep_the_promise() -> None:
    """Public utterances: learned from one part, thresholds from a second, counted on a third."""
    rows = read_records(BANKING)
    texts = [row.instruction for row in rows]
    order = random.Random(0)
    learned, rest = rows[: len(rows) // 2], texts[len(rows) // 2 :]
    classifier = fit_linear(LabelledTexts.of(learned))
    scores = classifier.probabilities(rest).max(1)
    rate, alarms = 0.1, []
    for _ in range(200):
        places = np.array(order.sample(range(len(rest)), len(rest)))
        seen, new = np.array_split(scores[places], 2)
        threshold = false_alarm_threshold(seen.tolist(), rate)
        alarms.append(float((new < threshold).mean()))
    assert np.mean(alarms) <= rate + 3 * np.std(alarms) / len(alarms) ** 0.5


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0, 0.99))
def test_of_the_rows_themselves_no_more_lie_below(scores: list[float], rate: float) -> None:
    threshold = false_alarm_threshold(scores, rate)
    below = sum(score < threshold for score in scores) if threshold is not None else 0
    assert below <= rate * (len(scores) + 1)


def test_too_few_rows_promise_nothing() -> None:
    assert false_alarm_threshold([0.5] * 48, 0.02) is None
    assert false_alarm_threshold([0.5] * 49, 0.02) == 0.5


def test_no_false_alarms_mean_no_threshold() -> None:
    assert false_alarm_threshold([0.5] * 1000, 0.0) is None
