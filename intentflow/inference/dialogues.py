"""Dialogues that are decoded together, others joining while there is room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from intentflow.prompts import join_rounds

if TYPE_CHECKING:
    from intentflow.inference.decoding import Request


@dataclass(eq=False, kw_only=True)
class Dialogue:
    """A client's messages, to be answered by a model in this process.

    Attributes:
        token_ids: The messages as the model's template writes them.
        limit: Maximum number of tokens of the answer, without its end token.
        streamer: A transformers streamer that gets the tokens as they are decoded; None for none.
        is_wanted: Whether the answer is still wanted; called before every pass.
        biases: Addends to the scores of the intents' tokens at each step; empty for none.
        utterance: The user's rounds, joined, from which values are copied.
    """

    token_ids: list[int]
    limit: int
    streamer: Any = None
    is_wanted: Callable[[], bool] = lambda: True
    biases: Sequence[float] = ()
    utterance: str = ""


def joined_rounds(messages: Sequence[Mapping[str, Any]]) -> str:
    """The user's rounds of a client's messages as one instruction, as training has them."""
    return join_rounds([str(m["content"]) for m in messages if m["role"] == "user"])


def count_rounds(messages: Sequence[Mapping[str, Any]]) -> int:
    """The number of the user's rounds in a client's messages."""
    return sum(m["role"] == "user" for m in messages)


Arrivals = Callable[[], Sequence[Dialogue]]
"""Returns the dialogues that have come since the last call."""


class Session:
    """Dialogues with a common prefix, those that join later among them.

    One that begins otherwise waits for the next session, and nobody joins this one any more.

    Attributes:
        deferred: Dialogues for the next session.

    Args:
        prefix: The tokens that all dialogues begin with.
        arrivals: Source of the dialogues that may join.
    """

    def __init__(self, prefix: list[int], arrivals: Arrivals) -> None:
        self.deferred: list[Dialogue] = []
        self._prefix = prefix
        self._arrivals = arrivals
        self._numbers = count()
        self._open: dict[int, Dialogue] = {}

    def join(self) -> list[Request]:
        """Requests of those who have come."""
        # A session may last as long as its process: what is left must not stay.
        self._open = {number: one for number, one in self._open.items() if one.is_wanted()}
        if self.deferred:
            return []
        came = self._arrivals()
        self.deferred = [one for one in came if not self._begins_alike(one)]
        return [self.request(one) for one in came if self._begins_alike(one)]

    def request(self, dialogue: Dialogue) -> Request:
        """The request of a dialogue, under a number of its own."""
        from intentflow.inference.decoding import Request

        number = next(self._numbers)
        self._open[number] = dialogue
        own = dialogue.token_ids[len(self._prefix) :]
        listener = _Stream(dialogue) if dialogue.streamer else None
        facts = dialogue.limit, listener, dialogue.is_wanted, dialogue.biases, dialogue.utterance
        return Request(number, own, *facts)

    def end(self, number: int) -> Dialogue:
        """The dialogue of a number, which has its answer and is forgotten."""
        return self._open.pop(number)

    def _begins_alike(self, dialogue: Dialogue) -> bool:
        size = len(self._prefix)
        return len(dialogue.token_ids) > size and dialogue.token_ids[:size] == self._prefix


class _Stream:
    """Passes tokens on to a transformers streamer, which gets the prompt first."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._streamer = dialogue.streamer
        self(dialogue.token_ids)

    def __call__(self, tokens: list[int]) -> None:
        import torch

        self._streamer.put(torch.tensor(tokens))
