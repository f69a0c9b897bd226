"""What a classifier decides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.baselines.labels import intents_label
from intentflow.baselines.targets import Targets

NAMES = st.lists(st.sampled_from(["go", "find", "play", "zoom"]), min_size=1, max_size=4)
LABELS = st.lists(NAMES.map(lambda names: _label(*names)), min_size=1, max_size=20)


def _label(*names: str) -> str:
    return intents_label("; ".join(f"{name}()" for name in names)) or ""


def _chances(targets: Targets, labels: list[str]) -> list[np.ndarray]:  # type: ignore[type-arg]
    """The probabilities of a classifier that is sure and right."""
    learned = targets.learned(labels)
    return list(learned if targets.independent else np.eye(len(targets.outputs))[learned])


@given(LABELS)
def test_what_is_learned_says_the_label_again(labels: list[str]) -> None:
    targets = Targets.of(labels)
    assert [targets.label(row) for row in _chances(targets, labels)] == labels


@given(LABELS)
def test_every_output_has_a_name_of_its_own(labels: list[str]) -> None:
    names = Targets.of(labels).names
    assert len(set(names)) == len(names)


def test_rows_of_one_intent_are_labels_however_rare() -> None:
    assert not Targets.of([_label("go"), _label("find"), _label("play")]).independent


@pytest.mark.parametrize(("often", "apart"), [(18, True), (19, False)])
def test_intents_are_apart_where_more_than_a_twentieth_of_combinations_are_single(
    often: int, apart: bool
) -> None:
    labels = [_label("go")] * often + [_label("go", "find")]
    assert Targets.of(labels).independent is apart


def test_intents_that_are_apart_make_combinations_that_no_row_has() -> None:
    targets = Targets.of([_label("go", "find"), _label("play")])
    assert targets.label(np.array([0.9, 0.1, 0.8])) == _label("find", "play")


def test_where_no_intent_is_likely_the_likeliest_is_answered() -> None:
    targets = Targets.of([_label("go", "find"), _label("play")])
    assert targets.label(np.array([0.1, 0.3, 0.2])) == _label("go")


def test_an_intent_twice_is_decided_as_once_and_again() -> None:
    targets = Targets.of([_label("go", "go"), _label("find", "play")])
    assert targets.names == ["find 1", "go 1", "go 2", "play 1"]
    assert targets.label(np.array([0.0, 1.0, 1.0, 0.0])) == _label("go", "go")
