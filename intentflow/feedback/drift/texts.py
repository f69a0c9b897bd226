"""Statistics of utterances: language, unknown words, nearness, phrasing.

How unknown a request's words are, and how near its nearest training row, is comparable only with
rows that the vocabulary and the index were not made from. So half of the reference rows, drawn at
random, are known, and the requests are compared with the other half: without drift the two are
draws from one set, and the test is exact.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from intentflow.feedback.drift.distribution import Distribution
from intentflow.feedback.similarity import similarities, terms
from intentflow.feedback.tokens import words
from intentflow.validation.languages import row_languages

MAX_TEXTS = 5_000
"""Number of rows that are drawn from each side; the cost of comparing grows with both."""

_MAX_TERMS = 800
_MIN_ROWS_OF_A_TERM = 8
_UNKNOWN_LANGUAGE = "too short to tell, or mixed"


class Utterances:
    """Utterances of both sides, drawn once for all statistics of texts.

    Args:
        reference: Utterances of the reference rows.
        requests: Utterances of the requests.
        seed: Seed of the draws.
        encoder: Name of the encoder of nearness; TF-IDF if None.
    """

    def __init__(
        self,
        reference: Sequence[str],
        requests: Sequence[str],
        seed: int,
        encoder: str | None = None,
    ) -> None:
        drawn = random.Random(seed)
        left = drawn.sample(reference, min(len(reference), 2 * MAX_TEXTS))
        half = (len(left) + 1) // 2
        self._known, self._others = left[:half], left[half:]
        self._requests = drawn.sample(requests, min(len(requests), MAX_TEXTS))
        self._encoder = encoder

    def language(self) -> Distribution:
        """Languages or scripts, recognised for both sides together."""
        found = row_languages([*self._others, *self._requests])
        labels = [(name or _UNKNOWN_LANGUAGE,) for name in found]
        count = len(self._others)
        return Distribution.of_labels(labels[:count], labels[count:])

    def unknown_words(self) -> Distribution:
        """Share of an utterance's words that no known row has."""
        vocabulary = {word for text in self._known for word in words(text)}
        reference, requests = (
            [_unknown_share(text, vocabulary) for text in side]
            for side in (self._others, self._requests)
        )
        return Distribution.of_numbers(reference, requests, "above")

    def nearness(self) -> Distribution:
        """Cosine similarity to the nearest known row, of embeddings or of TF-IDF."""
        sides = (self._known, self._others, self._requests)
        if self._encoder is None:
            reference, requests = similarities(*sides)
        else:
            from intentflow.models.embeddings import embedding_similarities

            reference, requests = embedding_similarities(self._encoder, *sides)
        return Distribution.of_numbers(reference, requests, "up_to")

    def phrasing(self) -> Distribution:
        """Words and pairs of words that more requests have than reference rows.

        A new intent brings its own words, which are frequent before its share is: the terms are
        chosen by both sides together, so which side a row is on plays no part in the choice.
        """
        reference = [set(terms(text)) for text in [*self._known, *self._others]]
        requests = [set(terms(text)) for text in self._requests]
        counts = Counter(term for found in [*reference, *requests] for term in found)
        frequent = [it for it in counts.most_common(_MAX_TERMS) if it[1] >= _MIN_ROWS_OF_A_TERM]
        chosen = {term for term, _ in frequent}
        sides = [
            [tuple(sorted(found & chosen)) for found in side] for side in (reference, requests)
        ]
        return Distribution.of_labels(*sides, growth_only=True)


def _unknown_share(text: str, vocabulary: set[str]) -> float:
    found = words(text)
    return sum(word not in vocabulary for word in found) / max(len(found), 1)
