"""A model in this process as a backend: all requests are decoded together, in one thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from intentflow.inference.dialogues import Dialogue, joined_rounds
from intentflow.inference.engines import Completion
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.serving.backend import AnswerStream, Message, ModelAnswer
from intentflow.serving.errors import ReplyError
from intentflow.serving.model_files import ServedModel

_TRIAL: list[Message] = [{"role": "user", "content": "hello"}]


class LocalBackend:
    """A loaded model. Requests join those in decoding, and none waits for another's end.

    Args:
        engine: The loaded model.
        model: Taxonomy and format of the same model.
    """

    def __init__(self, engine: TransformersEngine, model: ServedModel) -> None:
        self._engine = engine
        self._model = model
        self._trial = asyncio.Lock()
        self._has_answered = False
        self._arrived: deque[_Generation] = deque()
        self._lock = Lock()
        self._is_decoding = False
        self._worker = ThreadPoolExecutor(1, "generate")

    async def close(self) -> None:
        """End the thread when nobody waits for its work any more."""
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
        top_k: int = 0,  # noqa: ARG002 - the engine ranks all intents
    ) -> ModelAnswer:
        """Answer, together with those who are there at the same time.

        Raises:
            ReplyError: The messages are longer than the model's context.
        """
        generation = await asyncio.to_thread(self._generation, messages, max_tokens)
        return self._answer(await self._decode(generation))

    async def stream(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        request_id: str,  # noqa: ARG002 - the protocol's signature
    ) -> AnswerStream:
        """Begin to answer.

        Raises:
            ReplyError: The messages are longer than the model's context.
        """
        generation = await asyncio.to_thread(self._generation, messages, max_tokens)
        return AnswerStream(self._model, self._pieces(generation))

    async def _pieces(self, generation: _Generation) -> AsyncGenerator[str | ModelAnswer]:
        from transformers import AsyncTextIteratorStreamer

        texts = AsyncTextIteratorStreamer(
            self._engine.tokenizer,
            skip_prompt=True,
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )
        generation.streamer = texts
        work = self._decode(generation)
        work.add_done_callback(lambda done: texts.end() if _has_failed(done) else None)
        try:
            async for piece in texts:
                yield piece
            yield self._answer(await work)
        finally:
            work.cancel()

    def _generation(self, messages: Sequence[Message], max_tokens: int) -> _Generation:
        """The messages as tokens, and the tokens of the answer that fit behind them."""
        from intentflow.prompts import chat_token_ids

        context = int(self._engine.model.config.max_position_embeddings)
        ids = chat_token_ids(self._engine.tokenizer, messages)
        if len(ids) >= context:
            raise ReplyError(413, f"the messages are longer than the model's {context} tokens")
        return _Generation(
            token_ids=ids,
            limit=min(max_tokens, context - len(ids)),
            biases=self._engine.biases(messages),
            utterance=joined_rounds(messages),
        )

    def _decode(self, generation: _Generation) -> asyncio.Future[Completion]:
        """Have it decoded; where this is cancelled, decoding ends at the next token."""
        with self._lock:
            self._arrived.append(generation)
            begins, self._is_decoding = not self._is_decoding, True
        if begins:
            self._worker.submit(self._decode_while_any_arrive)
        return asyncio.wrap_future(generation.completion)

    def _decode_while_any_arrive(self) -> None:
        """Runs in the worker, which has one such task at most, however many wait."""
        while True:
            with self._lock:
                self._is_decoding = bool(self._arrived)
                if not self._is_decoding:
                    return
            self._decode_arrived()

    def _decode_arrived(self) -> None:
        """Decode all who are there and who come meanwhile."""
        begun: list[_Generation] = []

        def arrivals() -> list[_Generation]:
            came = [self._arrived.popleft() for _ in range(len(self._arrived))]
            begun[:] = [one for one in begun if not one.completion.done()] + came
            return came

        try:
            for generation, completion in self._engine.complete_all(arrivals(), arrivals):
                assert isinstance(generation, _Generation)
                generation.finish(completion)
        except Exception as error:
            for generation in begun:
                generation.fail(error)

    def _answer(self, done: Completion) -> ModelAnswer:
        self._has_answered = True
        counts = done.prompt_tokens, done.answer_tokens
        facts = done.text, done.confidence, done.ended
        return ModelAnswer(*facts, *counts, self._model, done.ranking)


@dataclass(eq=False, kw_only=True)
class _Generation(Dialogue):
    """A dialogue in decoding.

    Attributes:
        completion: Answer to the dialogue, for the event loop; cancelled where nobody wants it any
            more.
    """

    completion: Future[Completion] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.is_wanted = lambda: not self.completion.cancelled()

    def finish(self, completion: Completion) -> None:
        """Hand the answer over, unless nobody wants it."""
        if self.completion.set_running_or_notify_cancel():
            self.completion.set_result(completion)

    def fail(self, error: Exception) -> None:
        """Hand an error over, unless it has an answer."""
        if not self.completion.done() and self.completion.set_running_or_notify_cancel():
            self.completion.set_exception(error)


def _has_failed(work: asyncio.Future[Completion]) -> bool:
    return work.cancelled() or work.exception() is not None
