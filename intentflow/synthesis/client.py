"""Client of the teacher: one reply per request, within the budget, each paid for once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from intentflow.openai_api.faults import NOT_AN_API_REPLY, Fault, mask_key
from intentflow.openai_api.retries import fault_retries
from intentflow.synthesis.budget import Budget, BudgetEnded, Hold
from intentflow.synthesis.faults import TeacherError, fault_of
from intentflow.synthesis.journal import Reply, SynthesisJournal
from intentflow.synthesis.prompts import TeacherRequest
from intentflow.synthesis.teacher import Teacher

_FORMAT_REFUSED = (400, 422)


class TeacherClient:
    """An asynchronous client and context manager.

    Args:
        teacher: The configuration.
        budget: The remaining budget.
        journal: Journal that records requests and replies, and contains earlier replies.
        key: The teacher's API key; None if it needs none.
    """

    def __init__(
        self, teacher: Teacher, budget: Budget, journal: SynthesisJournal, key: str | None
    ) -> None:
        self._teacher = teacher
        self._budget = budget
        self._journal = journal
        self._key = key
        self._slots = asyncio.Semaphore(teacher.concurrency)
        self._formats = [_as_json_schema, _as_json_object, _as_text]
        self._failed: TeacherError | None = None

    async def __aenter__(self) -> Self:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        from intentflow.openai_api.bounded import bound

        # A redirect would carry the rows to an address that nobody configured.
        connections = DefaultAsyncHttpxClient(
            event_hooks={"response": [bound]}, follow_redirects=False
        )
        self._client = AsyncOpenAI(
            base_url=self._teacher.base_url,
            api_key=self._key or "none",
            timeout=self._teacher.timeout_seconds,
            max_retries=0,
            default_headers={"Accept-Encoding": "identity"},
            http_client=connections,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def ask(self, request: TeacherRequest, hold: Hold | None = None) -> Reply:
        """The reply to a request, from the journal or from the teacher.

        Args:
            request: The request.
            hold: Reservation of the budget for it.

        Raises:
            TeacherError: The teacher failed after all retries, or another request showed that it
                cannot be used.
            BudgetEnded: The request, or a retry, could exceed the budget.
        """
        known = self._journal.replies.get(request.key)
        if known is not None:
            if hold:
                hold.release()
            return known
        async with self._slots:
            return await self._ask_again(request, hold)

    async def _ask_again(self, request: TeacherRequest, hold: Hold | None) -> Reply:
        holds = [hold] if hold else []  # for the first attempt; each retry reserves its own
        try:
            return await fault_retries(self._teacher.retries)(self._ask_in_format, request, holds)
        except Fault as fault:
            self._failed = self._error(fault)
            raise self._failed from None

    async def _ask_in_format(self, request: TeacherRequest, holds: list[Hold]) -> Reply:
        """One attempt, repeated at once with a simpler answer format if the teacher refuses one."""
        while True:
            hold = holds.pop() if holds else None
            if self._failed:
                if hold:
                    hold.release()
                raise self._failed
            hold = hold or self._budget.hold(request.max_tokens)
            if hold is None:
                raise BudgetEnded
            answer_format = self._formats[0]
            try:
                return await self._ask_once(request, hold, answer_format(request))
            except Fault as fault:
                if not self._falls_back(fault, answer_format):
                    raise

    async def _ask_once(
        self, request: TeacherRequest, hold: Hold, extra: Mapping[str, Any]
    ) -> Reply:
        number = self._journal.send(request.max_tokens)
        hold.send()
        try:
            reply = await self._send(request, extra)
        except Fault as fault:
            cost = request.max_tokens if fault.billed else 0
            self._journal.fail(number, cost)
            hold.settle(cost)
            raise
        self._journal.answer(number, request.key, reply)
        hold.settle(reply.tokens)
        return reply

    async def _send(self, request: TeacherRequest, extra: Mapping[str, Any]) -> Reply:
        from openai import OpenAIError

        settings = {self._teacher.max_tokens_parameter: request.max_answer_tokens, **extra}
        if request.temperature is not None:
            settings["temperature"] = request.temperature
        messages: Any = [{"role": role, "content": text} for role, text in request.messages]
        try:
            # The client's own timeout limits a pause in the reply; this one the complete reply.
            async with asyncio.timeout(self._teacher.timeout_seconds):
                completion = await self._client.chat.completions.create(
                    model=self._teacher.model, messages=messages, **settings
                )
            return _read_reply(completion, request, self._key)
        except (OpenAIError, TimeoutError, *NOT_AN_API_REPLY) as error:
            raise fault_of(error, self._teacher, self._key) from error

    def _falls_back(self, fault: Fault, refused: Any) -> bool:
        """Switch to a simpler answer format if the teacher may have refused this one."""
        if fault.status not in _FORMAT_REFUSED or refused is _as_text:
            return False
        if self._formats[0] is refused:
            self._formats.pop(0)
        return True

    def _error(self, fault: Fault) -> TeacherError:
        return TeacherError(f"teacher {self._teacher.base_url}: {fault.reason}")


def read_key(teacher: Teacher) -> str | None:
    """The teacher's API key from the environment; None if it needs none.

    Raises:
        TeacherError: The variable is not set, or its value cannot be a key.
    """
    if teacher.api_key_env is None:
        return None
    key = os.environ.get(teacher.api_key_env, "").strip()
    if not key:
        raise TeacherError(
            f"teacher {teacher.base_url}: the environment variable {teacher.api_key_env} is not "
            "set; put the key there, or write api_key_env: null for an endpoint without keys"
        )
    if not key.isascii() or not key.isprintable():
        raise TeacherError(
            f"teacher {teacher.base_url}: the value of {teacher.api_key_env} cannot be a key: it "
            "contains characters that are not allowed in HTTP headers"
        )
    return key


def _read_reply(completion: Any, request: TeacherRequest, key: str | None) -> Reply:
    choice = completion.choices[0]
    text = choice.message.content
    if text is not None and not isinstance(text, str):
        raise TypeError("content is not text")
    text = mask_key(text or "", key)
    return Reply(text, _tokens(completion, request, text), choice.finish_reason == "length")


def _tokens(completion: Any, request: TeacherRequest, text: str) -> int:
    """Number of tokens as the server reports it, otherwise one per byte, an upper bound."""
    total = getattr(getattr(completion, "usage", None), "total_tokens", None)
    if isinstance(total, int) and total > 0:
        return total
    return request.max_prompt_tokens + len(text.encode("utf-8", "replace"))


def _as_json_schema(request: TeacherRequest) -> Mapping[str, Any]:
    schema = {"name": "answer", "strict": True, "schema": request.schema}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _as_json_object(_: TeacherRequest) -> Mapping[str, Any]:
    return {"response_format": {"type": "json_object"}}


def _as_text(_: TeacherRequest) -> Mapping[str, Any]:
    return {}
