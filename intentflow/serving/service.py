"""State that the routes of one service share."""

from __future__ import annotations

import time
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
        model: Its taxonomy and format.
        backend: Backend that answers.
        log: Log of requests and corrections.
        limits: Sizes and times.
    """

    name: str
    model: ServedModel
    backend: Backend
    log: RequestLog
    limits: Limits
    created: int = field(default_factory=lambda: int(time.time()))
    _has_answered: bool = False

    def __post_init__(self) -> None:
        """Put the recognizer before the backend."""
        self.recognizer = Recognizer(self.backend, self.log)

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
            ReplyError: It has not.
        """
        if not await self.is_ready():
            raise ReplyError(503, "the model does not answer yet")

    async def require_backend(self) -> None:
        """Refuse while the backend does not answer.

        Raises:
            ReplyError: It does not.
        """
        if not await self.backend.is_ready():
            raise ReplyError(503, "the model does not answer")


async def _current_service(request: Request) -> Service:
    """The service that the application was made for."""
    service: Service = request.app.state.service
    return service


CurrentService = Annotated[Service, Depends(_current_service)]
"""A route's parameter: the service that it belongs to."""
