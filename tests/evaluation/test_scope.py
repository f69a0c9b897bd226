"""Out of scope by the distribution over intents, or by the confidence without one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.artifacts.calibration import Calibration, ScopeScore
from intentflow.inference.intent_distribution import Ranking
from intentflow.inference.scope import is_out_of_scope, scope_score

RANKING = {"play": 0.8, "oos": 0.16, "stop": 0.04}
SHARES = st.floats(0, 1)


def calibration(kind: ScopeScore, threshold: float | None) -> Calibration:
    """A calibration that leaves confidences as they are."""
    return Calibration(
        slope=1.0,
        intercept=0.0,
        oos_threshold=threshold,
        oos_score=kind,
        n=100,
        data_digest="",
        ece_raw=0.0,
        ece=0.0,
        engine="transformers",
        constrained=True,
    )


def _score(ranking: Ranking) -> float:
    found = scope_score("ranking", None, ranking, "oos")
    assert found is not None
    return found


@given(SHARES, SHARES, SHARES)
def test_a_less_probable_first_intent_is_never_more_in_scope(
    first: float, other: float, outside: float
) -> None:
    low, high = (
        _score({"play": share, "oos": outside, "stop": 0.0}) for share in sorted((first, other))
    )
    assert 0 <= low <= high <= 1


@given(SHARES, SHARES, SHARES)
def test_a_more_probable_out_of_scope_is_never_more_in_scope(
    first: float, some: float, more: float
) -> None:
    low, high = (_score({"play": first, "oos": outside}) for outside in sorted((some, more)))
    assert low >= high


def test_without_a_ranking_the_confidence_decides() -> None:
    assert scope_score("confidence", 0.3, RANKING, "oos") == 0.3


@pytest.mark.parametrize(("threshold", "expected"), [(0.6, False), (0.7, True), (None, False)])
def test_an_answer_below_the_threshold_is_out_of_scope(
    threshold: float | None, expected: bool
) -> None:
    assert is_out_of_scope(calibration("ranking", threshold), 0.9, RANKING, "oos") is expected


def test_a_taxonomy_without_out_of_scope_keeps_every_answer() -> None:
    assert not is_out_of_scope(calibration("confidence", 0.9), 0.1, None, None)


@pytest.mark.parametrize(
    ("kind", "confidence", "ranking"),
    [("ranking", 0.1, None), ("confidence", None, RANKING)],
)
def test_an_answer_without_the_score_that_the_threshold_is_of_is_kept(
    kind: ScopeScore, confidence: float | None, ranking: Ranking | None
) -> None:
    assert not is_out_of_scope(calibration(kind, 0.9), confidence, ranking, "oos")
