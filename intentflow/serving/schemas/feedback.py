"""Corrections of wrong predictions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from intentflow.serving.schemas.common import ChatMessage, Text

REQUEST_ID_PATTERN = r"^[A-Za-z0-9_.:-]{1,128}$"

RequestId = Annotated[str, StringConstraints(pattern=REQUEST_ID_PATTERN)]


class CorrectedCall(BaseModel):
    """An intent that was meant, with its parameters in order."""

    intent: Text
    parameters: list[Text] = Field(default_factory=list)


class CorrectionRequest(BaseModel):
    """An utterance (``instruction``, ``utterance`` or ``messages``) and its right calls.

    ``output`` is in the call language, such as ``weather_search(Hangzhou)``; ``calls`` are as
    predictions have them. ``request_id`` names the request that was answered wrongly.
    """

    instruction: Text | None = None
    utterance: Text | None = None
    messages: list[ChatMessage] | None = None
    output: Text | None = None
    calls: list[CorrectedCall] | None = None
    prediction: Text | None = None
    note: Text | None = None
    request_id: RequestId | None = None


class StoredCorrection(BaseModel):
    """The correction is in storage, under this id."""

    status: Literal["stored"] = "stored"
    request_id: str
