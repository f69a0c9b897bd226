"""What the chat API asks for answers: a model in this process, or a server behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from threading import Lock
from typing import Any, Protocol

from intentflow.inference.engines import MAX_NEW_TOKENS, Completion
from intentflow.inference.transformers_engine import TransformersEngine


class ApiError(Exception):
    """An answer other than success, in the OpenAI API's shape."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Pieces(Protocol):
    """Takes an answer piece by piece in one thread and gives it in the event loop's."""

    def end(self) -> None:
        """There is no more."""
        ...

    def __aiter__(self) -> AsyncIterator[str]:
        """The pieces as they come."""
        ...


class Chat(Protocol):
    """Answers messages, greedily."""

    def limit(self, messages: list[dict[str, Any]], asked: int | None) -> int:
        """Answer tokens to allow: what is asked for, within what was evaluated and what fits."""
        ...

    def complete(
        self, messages: list[dict[str, Any]], limit: int, streamer: Any = None
    ) -> Completion:
        """Answer; ``streamer`` gets the pieces. Called in a thread of its own."""
        ...

    def streamer(self) -> Any:
        """:class:`Pieces` for :meth:`complete`, made in the event loop."""
        ...


class LocalChat:
    """One generation at a time: two would only slow one another down on the same cores."""

    def __init__(self, engine: TransformersEngine) -> None:
        """Over a loaded model."""
        self._engine = engine
        self._lock = Lock()

    def limit(self, messages: list[dict[str, Any]], asked: int | None) -> int:
        """Answer tokens to allow: what is asked for, within what was evaluated and what fits."""
        from intentflow.prompts import chat_token_ids

        context = int(self._engine.model.config.max_position_embeddings)
        room = context - len(chat_token_ids(self._engine.tokenizer, messages))
        if room < 1:
            raise ApiError(400, f"the messages are longer than the model's {context} tokens")
        return min(asked or MAX_NEW_TOKENS, MAX_NEW_TOKENS, room)

    def complete(
        self, messages: list[dict[str, Any]], limit: int, streamer: Any = None
    ) -> Completion:
        """Answer, after those who came before."""
        with self._lock:
            return self._engine.complete(messages, limit, streamer)

    def streamer(self) -> Any:
        """A queue of text pieces, filled by :meth:`complete`."""
        from transformers import AsyncTextIteratorStreamer

        return AsyncTextIteratorStreamer(
            self._engine.tokenizer,
            skip_prompt=True,
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )
