"""The interface of engines, which answer utterances by greedy decoding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from intentflow.inference.intent_distribution import Ranking

MAX_NEW_TOKENS = 128


class TokenUsage(NamedTuple):
    """Numbers of tokens that a request was charged for.

    Attributes:
        prompt: Tokens of the prompt, cached ones included.
        answer: Tokens of the answer, those of a hidden reasoning included.
    """

    prompt: int
    answer: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        text: The model's output.
        seconds: Duration of its request, or of the batch that it was in.
        confidence: Raw probability, in [0, 1], of everything in the answer except parameter
            values: intent names, separators, the end. None if the engine has no probabilities.
        failed: Whether the request failed, so that the text is empty.
        margin: Smallest lead, in nats, of a chosen token's log probability over that of the second
            best allowed token; None if the engine states none, or no token had an alternative.
        ranking: Probability of every intent to be the answer's first; None for a model without a
            token for each intent, or an engine that does not state it.
        own_intent: The intent that the model without its classifier puts first; None where nothing
            is fused.
        usage: Numbers of tokens; None if the engine states none.
    """

    text: str
    seconds: float
    confidence: float | None = None
    failed: bool = False
    margin: float | None = None
    ranking: Ranking | None = None
    own_intent: str | None = None
    usage: TokenUsage | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer with its token counts.

    Attributes:
        text: Text of the answer, without surrounding blanks.
        prompt_tokens: Tokens of the prompt.
        answer_tokens: Tokens of the answer without its end token.
        ended: Whether the model ended it.
        confidence: Raw probability of the answer in [0, 1], as :attr:`Answer.confidence`.
        ranking: Probability of every intent to be the first, as :attr:`Answer.ranking`.
    """

    text: str
    prompt_tokens: int
    answer_tokens: int
    ended: bool
    confidence: float | None = None
    ranking: Ranking | None = None


Keep = Callable[[int, Answer], None]
"""Called with an instruction's index and its answer as soon as it is available."""


class Engine(Protocol):
    """The interface of engines for evaluation and prediction."""

    name: str
    constrained: bool
    version: str | None
    """Version of the engine; None if it states none."""
    grammar_backend: str | None
    """Library that constrains answers inside the engine; None if it is unknown."""

    def answer(self, instructions: Sequence[str], keep: Keep | None = None) -> list[Answer]:
        """One answer per instruction, in order; ``keep`` is called with each one, in any order."""
        ...
