"""State that the routes of one service share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from intentflow.serving.backend import Backend
from intentflow.serving.errors import ReplyError
from intentflow.serving.limits import Limits
from intentflow.serving.model_files import ServedModel
from intentflow.serving.recognizer import Recognizer
from intentflow.serving.request_log import RequestLog


@dataclass
class Service:
    """A served model.

    Attributes:
        name: Name of the model in the routes.
        model: Taxonomy and format of the model.
        backend: Backend that answers.
        log: Log of requests and corrections.
        limits: Sizes and times.
        backends: The backend of each model by the model's digest, for requests that name one.
    """

    name: str
    model: ServedModel
    backend: Backend
    log: RequestLog
    limits: Limits
    backends: Mapping[str, Backend] = field(default_factory=dict)
    created: int = field(default_factory=lambda: int(time.time()))
    _has_answered: bool = False

    def __post_init__(self) -> None:
        """Put a recognizer before each backend."""
        self.recognizer = Recognizer(self.backend, self.log)
        self._recognizers = {
            digest: Recognizer(backend, self.log) for digest, backend in self.backends.items()
        }

    def recognizer_of(self, name: str | None) -> Recognizer:
        """The recognizer of the service's name, or of one model by its digest.

        Raises:
            ReplyError: There is no model of that name.
        """
        if name in self._recognizers:
            return self._recognizers[name]
        self.require_model(name)
        return self.recognizer

    def backend_of(self, name: str) -> Backend:
        """The backend of the service's name, or of one model by its digest.

        Raises:
            ReplyError: There is no model of that name.
        """
        if name in self.backends:
            return self.backends[name]
        self.require_model(name)
        return self.backend

    def require_model(self, name: str | None) -> None:
        """Refuse a request for another model.

        Raises:
            ReplyError: The name is another one's.
        """
        if name not in (None, self.name):
            raise ReplyError(404, f"the model {name} does not exist; there is {self.name}")

    async def is_ready(self) -> bool:
        """Ready from the backend's first answer on: while it restarts, feedback is taken."""
        self._has_answered = self._has_answered or await self.backend.is_ready()
        return self._has_answered

    async def require_ready(self) -> None:
        """Refuse while the backend has not answered yet.

        Raises:
            ReplyError: The backend has not answered yet.
        """
        if not await self.is_ready():
            raise ReplyError(503, "the model does not answer yet")

    async def require_backend(self, name: str) -> None:
        """Refuse while the backend of a model does not answer.

        Raises:
            ReplyError: The backend does not answer, or there is no model of that name.
        """
        if not await self.backend_of(name).is_ready():
            raise ReplyError(503, "the model does not answer")


async def _current_service(request: Request) -> Service:
    """The service that the application was made for."""
    service: Service = request.app.state.service
    return service


CurrentService = Annotated[Service, Depends(_current_service)]
"""A route's parameter: the service that it belongs to."""
