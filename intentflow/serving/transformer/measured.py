"""Measured models: answers, failures, times and the out-of-scope share of each."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from http import HTTPStatus
from typing import Literal

from intentflow.serving.backend import AnswerStream, Backend, Message, ModelAnswer
from intentflow.serving.errors import ReplyError
from intentflow.serving.interpretation import close_answer, interpret, is_admitted
from intentflow.serving.metrics import (
    ANSWER_FAILURES,
    ANSWER_SECONDS,
    ANSWERS,
    OUT_OF_SCOPE,
)

ModelRole = Literal["stable", "canary", "shadow"]


class MeasuredBackend:
    """A model whose answers are counted under its role.

    A refusal that is the client's fault is neither an answer nor a failure.

    Args:
        backend: The model.
        role: Role of the model, the label ``model`` of the metrics.
    """

    def __init__(self, backend: Backend, role: ModelRole) -> None:
        self._backend = backend
        self._role = role
        # Series exist from the start, so that the first failure is an increase.
        for counter in (ANSWERS, ANSWER_FAILURES, OUT_OF_SCOPE):
            counter.labels(role)

    async def close(self) -> None:
        """Close the model's connections."""
        await self._backend.close()

    async def is_ready(self) -> bool:
        """Whether a request would be answered now."""
        return await self._backend.is_ready()

    async def complete(
        self, messages: Sequence[Message], max_tokens: int, request_id: str, top_k: int = 0
    ) -> ModelAnswer:
        """Answer and count."""
        started = time.perf_counter()
        try:
            answer = await self._backend.complete(messages, max_tokens, request_id, top_k)
        except ReplyError as error:
            self._count_failure(error)
            raise
        self._count(answer, max_tokens, time.perf_counter() - started)
        return answer

    async def stream(
        self, messages: Sequence[Message], max_tokens: int, request_id: str
    ) -> AnswerStream:
        """Begin to answer; it is counted when it ends."""
        started = time.perf_counter()
        try:
            stream = await self._backend.stream(messages, max_tokens, request_id)
        except ReplyError as error:
            self._count_failure(error)
            raise
        return AnswerStream(stream.model, self._counted(stream, max_tokens, started))

    async def _counted(
        self, stream: AnswerStream, max_tokens: int, started: float
    ) -> AsyncGenerator[str | ModelAnswer]:
        async with aclosing(stream.items) as items:
            try:
                async for item in items:
                    if isinstance(item, ModelAnswer):
                        self._count(item, max_tokens, time.perf_counter() - started)
                    yield item
            except ReplyError as error:
                self._count_failure(error)
                raise

    def _count(self, answer: ModelAnswer, max_tokens: int, seconds: float) -> None:
        """Count an answer; one outside the taxonomy is a failure, unless it was cut."""
        closed = close_answer(answer, max_tokens)
        if is_admitted(closed):
            ANSWERS.labels(self._role).inc()
            ANSWER_SECONDS.labels(self._role).observe(seconds)
            if interpret(closed, seconds).out_of_scope:
                OUT_OF_SCOPE.labels(self._role).inc()
        elif answer.model.constrained and closed.ended:
            ANSWER_FAILURES.labels(self._role).inc()

    def _count_failure(self, error: ReplyError) -> None:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            ANSWER_FAILURES.labels(self._role).inc()
