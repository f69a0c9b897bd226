"""Asks a backend, holds its answers to the taxonomy, counts and logs them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from intentflow.inference.engines import MAX_NEW_TOKENS
from intentflow.serving.backend import AnswerStream, Backend, Message, ModelAnswer
from intentflow.serving.current_person import CURRENT_PERSON
from intentflow.serving.errors import outside_taxonomy
from intentflow.serving.interpretation import Interpretation, close_answer, interpret, is_admitted
from intentflow.serving.metrics import count_prediction
from intentflow.serving.request_log import RequestLog


class Asked(NamedTuple):
    """Facts about a request that the log keeps in addition to its dialogue and answer.

    Attributes:
        request_id: Id of the request.
        person: Keyed hash of the person who asks; None if unknown.
    """

    request_id: str
    person: str | None = None


class Recognizer:
    """Answers of a backend, for all routes.

    Args:
        backend: Backend that answers.
        log: Log of the requests.
    """

    def __init__(self, backend: Backend, log: RequestLog) -> None:
        self._backend = backend
        self._log = log

    async def recognize(
        self, dialogues: Sequence[list[Message]], asked: Asked, top_k: int = 0
    ) -> list[Interpretation]:
        """Typed calls of each dialogue; all are asked at once, for the backend to batch.

        Args:
            dialogues: The dialogues.
            asked: Id of the request and the person who asks, for the log.
            top_k: Number of intents to rank.

        Raises:
            ReplyError: An answer is missing or outside the taxonomy; nothing is logged then.
        """
        CURRENT_PERSON.set(asked.person)
        work = [self._interpret(one, asked.request_id, top_k) for one in dialogues]
        tasks = [asyncio.ensure_future(one) for one in work]
        try:
            found = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        for messages, one in zip(dialogues, found, strict=True):
            self._record(messages, one, asked)
        return list(found)

    async def complete(
        self, messages: list[Message], max_tokens: int | None, asked: Asked
    ) -> ModelAnswer:
        """The model's own answer, inside the taxonomy where the model is constrained.

        Args:
            messages: The dialogue.
            max_tokens: Limit that the client asks for; None for that of evaluation.
            asked: Id of the request and the person who asks, for the log.

        Raises:
            ReplyError: There is no answer, or one outside the taxonomy.
        """
        CURRENT_PERSON.set(asked.person)
        started = time.perf_counter()
        limit = _token_limit(max_tokens)
        found = await self._backend.complete(messages, limit, asked.request_id)
        answer = close_answer(found, limit)
        is_short = limit < MAX_NEW_TOKENS
        self._check(messages, answer, started, asked, may_be_cut=is_short)
        return answer

    async def stream(
        self, messages: list[Message], max_tokens: int | None, asked: Asked
    ) -> AnswerStream:
        """The model's own answer in pieces; one that leaves the taxonomy ends with an error.

        Raises:
            ReplyError: There is no answer, or one outside the taxonomy; raised before the first
                piece where it can be known.
        """
        CURRENT_PERSON.set(asked.person)
        started = time.perf_counter()
        limit = _token_limit(max_tokens)
        stream = await self._backend.stream(messages, limit, asked.request_id)
        items = self._checked(stream, messages, started, asked)
        return AnswerStream(stream.model, items)

    async def _checked(
        self,
        stream: AnswerStream,
        messages: list[Message],
        started: float,
        asked: Asked,
    ) -> AsyncGenerator[str | ModelAnswer]:
        """The stream; what was streamed cannot be closed any more, and ends where it was cut."""
        async with aclosing(stream.items) as items:
            async for item in items:
                if isinstance(item, ModelAnswer):
                    self._check(messages, item, started, asked, may_be_cut=True)
                yield item

    def _check(
        self,
        messages: list[Message],
        answer: ModelAnswer,
        started: float,
        asked: Asked,
        *,
        may_be_cut: bool,
    ) -> None:
        """Log an answer of the taxonomy; refuse another, unless it may have been cut."""
        if is_admitted(answer):
            found = interpret(answer, time.perf_counter() - started)
            self._record(messages, found, asked)
        elif answer.model.constrained and (answer.ended or not may_be_cut):
            raise outside_taxonomy()

    async def _interpret(
        self, messages: list[Message], request_id: str, top_k: int
    ) -> Interpretation:
        started = time.perf_counter()
        answer = await self._backend.complete(messages, MAX_NEW_TOKENS, request_id, top_k)
        answer = close_answer(answer, MAX_NEW_TOKENS)
        if not is_admitted(answer):
            raise outside_taxonomy()
        return interpret(answer, time.perf_counter() - started)

    def _record(self, messages: list[Message], found: Interpretation, asked: Asked) -> None:
        count_prediction(found.calls)
        self._log.keep_request(asked.request_id, messages, found, asked.person)


def _token_limit(max_tokens: int | None) -> int:
    """The requested number of tokens, within the evaluated limit."""
    return min(max_tokens or MAX_NEW_TOKENS, MAX_NEW_TOKENS)
