"""The split of requests between the model in service and a canary."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from intentflow.serving.backend import AnswerStream, Backend, Message, ModelAnswer
from intentflow.serving.errors import ReplyError

_UNAVAILABLE = 503
_ALL = 100


class SplitBackend:
    """The model in service and, for a share of the requests, a canary.

    A request's id decides: the instances of one request, and a request that is sent again under
    its id, go to the same model. While the canary does not answer, the model in service does.

    Args:
        stable: The model in service.
        canary: Another model; None for none.
        percent: Share of the requests that the canary answers, 0 to 100.
    """

    def __init__(self, stable: Backend, canary: Backend | None = None, percent: int = 0) -> None:
        self._stable = stable
        self._canary = canary
        self._percent = percent

    async def close(self) -> None:
        """Close both."""
        for backend in (self._stable, self._canary):
            if backend:
                await backend.close()

    async def is_ready(self) -> bool:
        """Whether requests would be answered now.

        The model in service also answers for a canary; without it, only a canary that has all
        requests answers all of them.
        """
        if self._canary and self._percent == _ALL and await self._canary.is_ready():
            return True
        return await self._stable.is_ready()

    async def complete(
        self, messages: Sequence[Message], max_tokens: int, request_id: str, top_k: int = 0
    ) -> ModelAnswer:
        """Answer with the model that the request goes to."""
        canary = self._chosen(request_id)
        if canary:
            try:
                return await canary.complete(messages, max_tokens, request_id, top_k)
            except ReplyError as error:
                _require_unavailable(error)
        return await self._stable.complete(messages, max_tokens, request_id, top_k)

    async def stream(
        self, messages: Sequence[Message], max_tokens: int, request_id: str
    ) -> AnswerStream:
        """Begin to answer with the model that the request goes to."""
        canary = self._chosen(request_id)
        if canary:
            try:
                return await canary.stream(messages, max_tokens, request_id)
            except ReplyError as error:
                _require_unavailable(error)
        return await self._stable.stream(messages, max_tokens, request_id)

    def _chosen(self, request_id: str) -> Backend | None:
        """The canary, where the request is one of its share."""
        drawn = zlib.crc32(request_id.encode()) % 100 < self._percent
        return self._canary if drawn else None


def _require_unavailable(error: ReplyError) -> None:
    """Pass on what the other model would refuse as well."""
    if error.status != _UNAVAILABLE:
        raise error
