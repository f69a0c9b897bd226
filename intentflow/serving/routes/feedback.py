"""Corrections of wrong predictions, kept for the next training."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from intentflow.serving.corrections import read_correction
from intentflow.serving.schemas.common import ErrorResponse
from intentflow.serving.schemas.feedback import CorrectionRequest, StoredCorrection
from intentflow.serving.service import CurrentService

_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorResponse, "description": "Refused"},
    "5XX": {"model": ErrorResponse, "description": "Not stored"},
}


router = APIRouter(tags=["feedback"], responses=_ERRORS)


@router.post("/feedback", status_code=201)
async def feedback(
    body: CorrectionRequest, request: Request, service: CurrentService
) -> StoredCorrection:
    """Take a correction; the response comes when it is in storage."""
    person = service.log.hashed(body.person)
    correction = read_correction(body, service.model.taxonomy, service.limits, person)
    request_id = body.request_id or request.state.request_id
    await service.log.keep_correction(request_id, correction)
    return StoredCorrection(request_id=request_id)
