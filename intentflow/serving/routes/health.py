"""Probes: open to everyone, because they report only the service's state."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from intentflow.serving.schemas.common import ErrorResponse, StatusResponse
from intentflow.serving.schemas.infer import Liveness, ServerReadiness
from intentflow.serving.service import CurrentService

router = APIRouter(tags=["health"])

_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": ErrorResponse, "description": "Not ready"}
}


@router.get("/health")
@router.get("/healthz/live")
async def live() -> StatusResponse:
    """Whether the server runs."""
    return StatusResponse(status="ok")


@router.get("/healthz/ready", responses=_NOT_READY)
async def ready(service: CurrentService) -> StatusResponse:
    """Whether the model has answered since the server was started."""
    await service.require_ready()
    return StatusResponse(status="ok")


@router.get("/v2/health/live")
async def v2_live() -> Liveness:
    """Whether the server runs."""
    return Liveness(live=True)


@router.get("/v2/health/ready", responses=_NOT_READY)
async def v2_ready(service: CurrentService) -> ServerReadiness:
    """Whether the model has answered since the server was started."""
    await service.require_ready()
    return ServerReadiness(ready=True)
