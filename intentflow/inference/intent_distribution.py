"""The distribution over intents that a model with intent tokens gives with its first step.

Each intent's call begins with a token of its own, so the softmax of the first step's scores over
these tokens is the probability of each intent to be the answer's first call.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from intentflow.taxonomy import Taxonomy

Ranking = Mapping[str, float]
"""Every intent with its probability of being the answer's first, the most probable one first."""


@dataclass(frozen=True)
class IntentVocabulary:
    """The tokens that open the calls of a taxonomy, one for each intent.

    Attributes:
        names: The intents.
        texts: The opening of each intent's call, such as ``play_music(``.
        ids: Its token.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    ids: tuple[int, ...]

    @classmethod
    def of(cls, taxonomy: Taxonomy, tokens: Mapping[str, int]) -> Self | None:
        """The vocabulary of a taxonomy; None if an intent has no token.

        Args:
            taxonomy: The intents.
            tokens: Call openings that are one token, see
                :func:`intentflow.prompts.intent_tokens`.

        Example:
            >>> from intentflow.taxonomy import Intent
            >>> taxonomy = Taxonomy(intents={"stop": Intent()})
            >>> IntentVocabulary.of(taxonomy, {"stop()": 7})
            IntentVocabulary(names=('stop',), texts=('stop()',), ids=(7,))
        """
        texts = [intent_opening(name, tokens) for name in taxonomy.intents]
        known = [text for text in texts if text is not None]
        if len(known) < len(texts):
            return None
        return cls(tuple(taxonomy.intents), tuple(known), tuple(tokens[text] for text in known))

    def ranking(self, scores: Sequence[float]) -> Ranking:
        """The softmax of the scores of :attr:`ids`, in that order.

        Example:
            >>> vocabulary = IntentVocabulary(("stop", "play"), ("stop()", "play("), (7, 8))
            >>> vocabulary.ranking([0.0, 0.0])
            {'stop': 0.5, 'play': 0.5}
        """
        highest = max(scores)
        weights = [math.exp(score - highest) for score in scores]
        total = sum(weights)
        return _ranked(zip(self.names, (weight / total for weight in weights), strict=True))

    def listed_ranking(self, listed: Iterable[tuple[str, float]]) -> Ranking | None:
        """The ranking in a server's list of likely first tokens; None if no intent is in it.

        The probabilities are the server's, which constrains the first token to an intent's.

        Args:
            listed: Text and log probability of each token.
        """
        names = dict(zip(self.texts, self.names, strict=True))
        found = [(names[text], math.exp(min(log, 0.0))) for text, log in listed if text in names]
        return _ranked(found) if found else None


def intent_opening(name: str, tokens: Mapping[str, int]) -> str | None:
    """The opening of an intent's call that is one token; None if there is none.

    Example:
        >>> intent_opening("stop", {"stop()": 7}), intent_opening("play", {"stop()": 7})
        ('stop()', None)
    """
    return next((text for text in (f"{name}()", f"{name}(") if text in tokens), None)


def _ranked(probabilities: Iterable[tuple[str, float]]) -> Ranking:
    return dict(sorted(probabilities, key=lambda item: -item[1]))
