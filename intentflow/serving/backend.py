"""Backends that answer a service's requests: a model in this process, or vLLM on the network."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from intentflow.inference.intent_distribution import Ranking
from intentflow.serving.model_files import ServedModel

Message = dict[str, Any]
"""A chat message: ``{"role": …, "content": text}``."""


@dataclass(frozen=True)
class ModelAnswer:
    """A model's answer to one dialogue.

    Attributes:
        text: The answer without the blanks around it.
        confidence: Raw confidence in [0, 1]; None where the backend gives no probabilities.
        ended: Whether the model ended it; False where it reached the limit of tokens.
        prompt_tokens: Tokens of the prompt; 0 where the backend does not count.
        completion_tokens: Tokens of the answer; 0 where the backend does not count.
        model: The model that answered.
        ranking: Intents with their probability of being the answer's first, the most probable one
            first: at least as many as were asked for. None where the model has no token for each
            intent.
    """

    text: str
    confidence: float | None
    ended: bool
    prompt_tokens: int
    completion_tokens: int
    model: ServedModel
    ranking: Ranking | None = None


@dataclass(frozen=True)
class AnswerStream:
    """An answer that comes in pieces.

    Attributes:
        model: The model that answers.
        items: Pieces of the text as they come, and the complete answer as the last item.
    """

    model: ServedModel
    items: AsyncGenerator[str | ModelAnswer]


class Backend(Protocol):
    """Answers dialogues, greedily.

    Both ways to ask raise :class:`intentflow.serving.errors.ReplyError` where there is no answer.
    A caller that is cancelled ends the work on its answer.
    """

    async def complete(
        self, messages: Sequence[Message], max_tokens: int, request_id: str, top_k: int = 0
    ) -> ModelAnswer:
        """Answer a dialogue with at most ``max_tokens`` tokens, ranking ``top_k`` intents."""
        ...

    async def stream(
        self, messages: Sequence[Message], max_tokens: int, request_id: str
    ) -> AnswerStream:
        """Begin to answer; what refuses the dialogue is raised here, before the first piece."""
        ...

    async def is_ready(self) -> bool:
        """Whether a request would be answered now."""
        ...

    async def close(self) -> None:
        """Release connections and threads."""
        ...
