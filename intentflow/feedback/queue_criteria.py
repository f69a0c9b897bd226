"""Criteria of the review queue that look at many requests at once: drifting intents, clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from intentflow.feedback.drift.distribution import Distribution
from intentflow.feedback.drift.rows import AnsweredRows
from intentflow.feedback.drift.significance import difference
from intentflow.feedback.similarity import terms

MIN_ROWS = 100
"""Number of labelled rows, and of requests, from which on intents are compared."""
MAX_FALSE_ALARMS = 0.05
MAX_COMPARED = 5_000
"""Number of utterances that are compared with each other for clusters."""
_MAX_DISTANCE = 0.5
_MIN_UTTERANCES = 3


def drifting_intents(labels: Sequence[str], answers: Sequence[str]) -> list[str]:
    """Intents that requests have more often than labelled rows, by more than chance.

    Args:
        labels: Labels of the rows.
        answers: The model's answers to the requests.

    Returns:
        Names of the intents, the most certain first; none for fewer than 100 rows or requests.

    Example:
        >>> drifting_intents(["play()", "stop()"] * 100, ["play()", "stop()", "stop()"] * 70)
        ['stop']
    """
    if min(len(labels), len(answers)) < MIN_ROWS:
        return []
    counts = Distribution.of_labels(intents_of(labels), intents_of(answers), growth_only=True)
    found = difference(counts).tested_p_values
    drifting = [at for at in np.argsort(found, kind="stable") if found[at] <= MAX_FALSE_ALARMS]
    return [counts.tested[at] for at in drifting]


def intents_of(labels: Sequence[str]) -> list[tuple[str, ...]]:
    """The intents of each label, as the drift of requests has them.

    Args:
        labels: Labels or answers in the call language.

    Example:
        >>> intents_of(["greet(); ask(x)"])
        [('ask', 'greet')]
    """
    return AnsweredRows.of([("", one, None) for one in labels]).intents


def new_clusters(utterances: Sequence[str]) -> list[list[int]]:
    """Groups of at least three similar utterances, by DBSCAN on TF-IDF of words and their pairs.

    Args:
        utterances: Utterances that are unlike all labelled ones; at most 5,000 are compared.

    Returns:
        Positions of the utterances of each group, the largest group first.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.

    Example:
        >>> texts = ["freeze my card", "please freeze my card", "freeze my card now", "hello"]
        >>> new_clusters(texts)
        [[0, 1, 2]]
    """
    from sklearn.cluster import DBSCAN
    from sklearn.feature_extraction.text import TfidfVectorizer

    compared = utterances[:MAX_COMPARED]
    if len(compared) < _MIN_UTTERANCES:
        return []
    try:
        vectors = TfidfVectorizer(analyzer=terms, sublinear_tf=True).fit_transform(compared)
    except ValueError:  # no utterance has words
        return []
    scan = DBSCAN(eps=_MAX_DISTANCE, min_samples=_MIN_UTTERANCES, metric="cosine")
    groups: dict[int, list[int]] = {}
    for at, group in enumerate(scan.fit_predict(vectors).tolist()):
        if group >= 0:
            groups.setdefault(group, []).append(at)
    return sorted(groups.values(), key=len, reverse=True)
