"""A canary's share of the requests, which the transformer gives out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

from intentflow.serve.transformer.errors import ServiceError
from intentflow.serve.transformer.metrics import ANSWERS
from intentflow.serve.transformer.model_files import ModelFacts, read_model_facts
from intentflow.serve.transformer.settings import Settings
from intentflow.serve.transformer.vllm_client import Message, Predictor, RawAnswer, StreamedAnswer

_UNAVAILABLE = 503


class Predictors:
    """The model in service and, for a share of the requests, a canary.

    A request's id decides: the instances of one request, and a request that is sent again under
    its id, go to the same model. While the canary does not answer, the model in service does.

    Args:
        settings: Where both are, and the canary's share.
        facts: Of the model in service; the canary's are read from its own files.

    Raises:
        IntentflowError: The canary's files cannot be used.
    """

    def __init__(self, settings: Settings, facts: ModelFacts) -> None:
        self._stable = Predictor(settings, facts)
        self._canary: Predictor | None = None
        self._percent = settings.canary_percent
        if settings.canary_url and settings.canary_model_uri:
            there = replace(settings, predictor_url=settings.canary_url)
            self._canary = Predictor(there, read_model_facts(settings.canary_model_uri))

    async def close(self) -> None:
        """End their connections."""
        for predictor in (self._stable, self._canary):
            if predictor:
                await predictor.close()

    async def answers(self) -> bool:
        """Whether the model in service is up."""
        return await self._stable.answers()

    async def ask(self, messages: Sequence[Message], request_id: str) -> RawAnswer:
        """As :meth:`Predictor.ask`, of the model that the request goes to."""
        canary = self._chosen(request_id)
        if canary:
            try:
                answer = await canary.ask(messages, request_id)
            except ServiceError as error:
                _require_unavailable(error)
            else:
                ANSWERS.labels("canary").inc()
                return answer
        answer = await self._stable.ask(messages, request_id)
        ANSWERS.labels("stable").inc()
        return answer

    async def stream(self, messages: Sequence[Message], request_id: str) -> StreamedAnswer:
        """As :meth:`Predictor.stream`, of the model that the request goes to."""
        canary = self._chosen(request_id)
        if canary:
            try:
                streamed = await canary.stream(messages, request_id)
            except ServiceError as error:
                _require_unavailable(error)
            else:
                ANSWERS.labels("canary").inc()
                return streamed
        streamed = await self._stable.stream(messages, request_id)
        ANSWERS.labels("stable").inc()
        return streamed

    def _chosen(self, request_id: str) -> Predictor | None:
        """The canary, where the request is one of its share."""
        drawn = zlib.crc32(request_id.encode()) % 100 < self._percent
        return self._canary if drawn else None


def _require_unavailable(error: ServiceError) -> None:
    """What the other model would refuse as well is the client's to know."""
    if error.status != _UNAVAILABLE:
        raise error
