"""Probes: open to everyone, for they tell nothing but the service's state."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from intentflow.serve.schemas.common import ErrorResponse, StatusResponse
from intentflow.serve.schemas.infer import Liveness, Readiness
from intentflow.serve.service import Service

_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": ErrorResponse, "description": "Not ready"}
}


def health_router(service: Service) -> APIRouter:
    """``/``, ``/health``, ``/healthz/…`` and ``/v2/health/…``."""
    router = APIRouter(tags=["health"])

    @router.get("/")
    async def root() -> StatusResponse:
        """State of the server, as KServe's V1 clients ask for it; needs a token."""
        return StatusResponse(status="alive")

    @router.get("/health")
    @router.get("/healthz/live")
    async def live() -> StatusResponse:
        """Whether the server runs."""
        return StatusResponse(status="ok")

    @router.get("/healthz/ready", responses=_NOT_READY)
    async def ready() -> StatusResponse:
        """Whether the model has answered since the server was started."""
        await service.require_ready()
        return StatusResponse(status="ok")

    @router.get("/v2/health/live")
    async def v2_live() -> Liveness:
        """Whether the server runs."""
        return Liveness(live=True)

    @router.get("/v2/health/ready", responses=_NOT_READY)
    async def v2_ready() -> Readiness:
        """Whether the model has answered since the server was started."""
        await service.require_ready()
        return Readiness(ready=True)

    return router
