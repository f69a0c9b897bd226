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
        ids: Token of each intent.
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

    def ranking(self, scores: Sequence[float], temperature: float = 1.0) -> Ranking:
        """The softmax of the scores of :attr:`ids`, in that order, divided by a temperature.

        Example:
            >>> vocabulary = IntentVocabulary(("stop", "play"), ("stop()", "play("), (7, 8))
            >>> vocabulary.ranking([0.0, 0.0])
            {'stop': 0.5, 'play': 0.5}
        """
        highest = max(scores)
        weights = [math.exp((score - highest) / temperature) for score in scores]
        total = sum(weights)
        shares = zip(self.names, (weight / total for weight in weights), strict=True)
        return dict(sorted(shares, key=lambda item: -item[1]))

    def listed_scores(self, listed: Iterable[tuple[str, float]]) -> list[float] | None:
        """The scores of :attr:`ids` in a server's list of likely tokens; None if one is missing.

        Args:
            listed: Text and log probability of each token.
        """
        logs = dict(listed)
        if any(text not in logs for text in self.texts):
            return None
        return [logs[text] for text in self.texts]


def intent_opening(name: str, tokens: Mapping[str, int]) -> str | None:
    """The opening of an intent's call that is one token; None if there is none.

    Example:
        >>> intent_opening("stop", {"stop()": 7}), intent_opening("play", {"stop()": 7})
        ('stop()', None)
    """
    return next((text for text in (f"{name}()", f"{name}(") if text in tokens), None)
