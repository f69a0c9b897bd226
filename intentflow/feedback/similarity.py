"""Similarity of utterances to known ones, by TF-IDF of words and pairs of words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from intentflow.feedback.tokens import words

_BLOCK = 500


def terms(text: str) -> list[str]:
    """The words of an utterance and its pairs of neighbouring words.

    Example:
        >>> terms("play some jazz")
        ['play', 'some', 'jazz', 'play some', 'some jazz']
    """
    found = words(text)
    return [*found, *(f"{one} {two}" for one, two in pairwise(found))]


def similarities(known: Sequence[str], *sides: Sequence[str]) -> list[list[float]]:
    """Cosine similarity of each utterance to the most similar known one, in [0, 1].

    Args:
        known: The known utterances.
        *sides: Lists of utterances.

    Returns:
        The similarities of each list, in its order; zeros if no known utterance has words.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.

    Example:
        >>> (found,) = similarities(["play some jazz"], ["play some jazz", "stop"])
        >>> [round(value, 2) for value in found]
        [1.0, 0.0]
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer=terms, sublinear_tf=True)
    try:
        vectors = vectorizer.fit_transform(known)
    except ValueError:
        return [[0.0] * len(side) for side in sides]
    return [list(_max_similarities(vectorizer, side, vectors)) for side in sides]


def _max_similarities(vectorizer: Any, texts: Sequence[str], known: Any) -> Iterator[float]:
    """The similarities, a block of utterances at a time."""
    columns = known.T.tocsc()
    for start in range(0, len(texts), _BLOCK):
        rows = vectorizer.transform(texts[start : start + _BLOCK])
        found = (rows @ columns).max(1).toarray().ravel()
        yield from np.minimum(found, 1.0).tolist()
