"""The shadow: a second model that gets copies of requests, and whose answers no client sees.

Clients get the answer of the model in service, at the time at which it comes. A copy is queued
afterwards and asked for by a few tasks, so that a shadow that is slow, hangs or is down only fills
the queue: what does not fit is dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from intentflow.inference.engines import MAX_NEW_TOKENS
from intentflow.serving.backend import AnswerStream, Backend, Message, ModelAnswer
from intentflow.serving.current_person import CURRENT_PERSON
from intentflow.serving.errors import ReplyError
from intentflow.serving.interpretation import Interpretation, close_answer, interpret, is_admitted
from intentflow.serving.metrics import (
    SHADOW_COMPARED,
    SHADOW_DISAGREEING,
    SHADOW_DROPPED,
    SHADOW_FAILED,
)
from intentflow.serving.request_log import RequestLog

log = logging.getLogger(__name__)

_MAX_WAITING = 256
"""Copies; with the characters that a dialogue may have, at most some 20 MB."""
_CONCURRENT = 8


@dataclass(frozen=True)
class Copy:
    """A request that was answered.

    Attributes:
        request_id: Id of the request.
        messages: Dialogue of the request.
        found: The answer that the client got.
        person: Keyed hash of the person who asked; None if unknown.
    """

    request_id: str
    messages: list[Message]
    found: Interpretation
    person: str | None = None


class Shadow:
    """Compares a second model's answers with those that clients got.

    Args:
        backend: The second model.
        log: Log of disagreements.
        timeout_seconds: Limit of one answer.
    """

    def __init__(self, backend: Backend, log: RequestLog, timeout_seconds: float) -> None:
        self._backend = backend
        self._log = log
        self._timeout = timeout_seconds
        self._waiting: asyncio.Queue[Copy] = asyncio.Queue(_MAX_WAITING)
        self._tasks: list[asyncio.Task[None]] = []

    def offer(self, copy: Copy) -> None:
        """Take a copy, if there is room; never waits, never fails."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._work()) for _ in range(_CONCURRENT)]
        try:
            self._waiting.put_nowait(copy)
        except asyncio.QueueFull:
            SHADOW_DROPPED.inc()

    async def close(self) -> None:
        """End at once: what is still waiting is not asked for."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._backend.close()

    async def _work(self) -> None:
        while True:
            copy = await self._waiting.get()
            try:
                await self._compare(copy)
            except (ReplyError, TimeoutError) as error:
                SHADOW_FAILED.inc()
                log.debug("shadow: %s", error)
            except Exception:  # whatever the shadow sends, the next copy is asked for
                SHADOW_FAILED.inc()
                log.exception("shadow: a copy could not be compared")

    async def _compare(self, copy: Copy) -> None:
        started = time.perf_counter()
        async with asyncio.timeout(self._timeout):
            answer = await self._backend.complete(copy.messages, MAX_NEW_TOKENS, copy.request_id)
        found = _interpreted(answer, MAX_NEW_TOKENS, time.perf_counter() - started)
        if found is None:
            SHADOW_FAILED.inc()
            return
        SHADOW_COMPARED.inc()
        if Counter(found.calls) != Counter(copy.found.calls):
            SHADOW_DISAGREEING.inc()
            self._log.keep_disagreement(
                copy.request_id, copy.messages, copy.found, found, copy.person
            )


class ShadowedBackend:
    """The model in service, whose shadow gets copies of a share of the requests.

    A request's id decides, independently of a canary's share. Not copied are requests without an
    answer, or whose client wanted a shorter one.

    Args:
        first: The model that answers.
        shadow: The second model.
        percent: Share of the requests that are copied, 0 to 100.
    """

    def __init__(self, first: Backend, shadow: Shadow, percent: int) -> None:
        self._first = first
        self._shadow = shadow
        self._percent = percent

    async def close(self) -> None:
        """Close both."""
        await self._shadow.close()
        await self._first.close()

    async def is_ready(self) -> bool:
        """Whether requests would be answered now, which the shadow has no part in."""
        return await self._first.is_ready()

    async def complete(
        self, messages: Sequence[Message], max_tokens: int, request_id: str, top_k: int = 0
    ) -> ModelAnswer:
        """Answer with the first model."""
        started = time.perf_counter()
        answer = await self._first.complete(messages, max_tokens, request_id, top_k)
        self._copy(messages, answer, max_tokens, request_id, started)
        return answer

    async def stream(
        self, messages: Sequence[Message], max_tokens: int, request_id: str
    ) -> AnswerStream:
        """Begin to answer with the first model."""
        started = time.perf_counter()
        stream = await self._first.stream(messages, max_tokens, request_id)

        async def copied() -> AsyncGenerator[str | ModelAnswer]:
            async with aclosing(stream.items) as items:
                async for item in items:
                    if isinstance(item, ModelAnswer):
                        self._copy(messages, item, max_tokens, request_id, started)
                    yield item

        return AnswerStream(stream.model, copied())

    def _copy(
        self,
        messages: Sequence[Message],
        answer: ModelAnswer,
        max_tokens: int,
        request_id: str,
        started: float,
    ) -> None:
        is_cut = not answer.ended and max_tokens < MAX_NEW_TOKENS
        if is_cut or not self._is_drawn(request_id):
            return
        found = _interpreted(answer, max_tokens, time.perf_counter() - started)
        if found is not None:
            self._shadow.offer(Copy(request_id, list(messages), found, CURRENT_PERSON.get()))

    def _is_drawn(self, request_id: str) -> bool:
        """By other digits than those that decide on a canary."""
        return zlib.crc32(request_id.encode()) // 100 % 100 < self._percent


def _interpreted(answer: ModelAnswer, max_tokens: int, seconds: float) -> Interpretation | None:
    """An answer's calls; None if it is outside the taxonomy."""
    closed = close_answer(answer, max_tokens)
    return interpret(closed, seconds) if is_admitted(closed) else None
