"""A model in this process as a backend: one generation at a time, in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from intentflow.inference.engines import Completion
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.serving.backend import AnswerStream, Message, ModelAnswer
from intentflow.serving.errors import ReplyError
from intentflow.serving.model_files import ServedModel

_TRIAL: list[Message] = [{"role": "user", "content": "hello"}]


class LocalBackend:
    """A loaded model. Two generations at once would slow one another down on the same cores.

    Args:
        engine: The loaded model.
        model: Taxonomy and format of the same model.
    """

    def __init__(self, engine: TransformersEngine, model: ServedModel) -> None:
        self._engine = engine
        self._model = model
        self._trial = asyncio.Lock()
        self._has_answered = False
        self._worker = ThreadPoolExecutor(1, "generate")

    async def close(self) -> None:
        """End the thread when its present work is done."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def is_ready(self) -> bool:
        """Whether the model has answered; asks it once."""
        async with self._trial:
            if not self._has_answered:
                await self.complete(_TRIAL, 1, "ready")
            return self._has_answered

    async def complete(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        request_id: str,  # noqa: ARG002 - the protocol's signature
    ) -> ModelAnswer:
        """Answer, after those who came before.

        Raises:
            ReplyError: The messages are longer than the model's context.
        """
        limit = await asyncio.to_thread(self._fitting, messages, max_tokens)
        tokens = _Tokens()
        try:
            return self._answer(await self._generate(messages, limit, tokens))
        finally:
            tokens.cancel()

    async def stream(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        request_id: str,  # noqa: ARG002 - the protocol's signature
    ) -> AnswerStream:
        """Begin to answer, after those who came before.

        Raises:
            ReplyError: The messages are longer than the model's context.
        """
        limit = await asyncio.to_thread(self._fitting, messages, max_tokens)
        return self._pieces(messages, limit)

    async def _pieces(
        self, messages: Sequence[Message], limit: int
    ) -> AsyncGenerator[str | ModelAnswer]:
        from transformers import AsyncTextIteratorStreamer

        texts = AsyncTextIteratorStreamer(
            self._engine.tokenizer,
            skip_prompt=True,
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )
        tokens = _Tokens(texts)
        work = self._generate(messages, limit, tokens)
        work.add_done_callback(lambda done: texts.end() if _has_failed(done) else None)
        try:
            async for piece in texts:
                yield piece
            yield self._answer(await work)
        finally:
            tokens.cancel()
            work.cancel()

    def _generate(
        self, messages: Sequence[Message], limit: int, tokens: _Tokens
    ) -> asyncio.Future[Completion]:
        """Queue a generation; one that is cancelled before its turn never begins."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._worker, self._engine.complete, messages, limit, tokens)

    def _fitting(self, messages: Sequence[Message], max_tokens: int) -> int:
        """Tokens of the answer that fit behind the messages."""
        from intentflow.prompts import chat_token_ids

        context = int(self._engine.model.config.max_position_embeddings)
        room = context - len(chat_token_ids(self._engine.tokenizer, messages))
        if room < 1:
            raise ReplyError(413, f"the messages are longer than the model's {context} tokens")
        return min(max_tokens, room)

    def _answer(self, done: Completion) -> ModelAnswer:
        self._has_answered = True
        counts = done.prompt_tokens, done.answer_tokens
        return ModelAnswer(done.text, done.confidence, done.ended, *counts, self._model)


class _Cancelled(Exception):  # noqa: N818 - not an error
    """Nobody waits for the generation any more."""


class _Tokens:
    """Takes the tokens of a generation, hands them on, and ends it when nobody waits.

    Args:
        streamer: Gets the tokens; a transformers streamer.
    """

    def __init__(self, streamer: Any = None) -> None:
        self._streamer = streamer
        self._is_cancelled = False

    def cancel(self) -> None:
        """End the generation at its next token."""
        self._is_cancelled = True

    def put(self, tokens: Any) -> None:
        """Take tokens, in the generation's thread."""
        if self._is_cancelled:
            raise _Cancelled
        if self._streamer is not None:
            self._streamer.put(tokens)

    def end(self) -> None:
        """The answer is complete."""
        if self._streamer is not None:
            self._streamer.end()


def _has_failed(work: asyncio.Future[Completion]) -> bool:
    return work.cancelled() or work.exception() is not None
