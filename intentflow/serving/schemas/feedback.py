"""Corrections of wrong predictions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from intentflow.serving.schemas.common import ChatMessage, Person, Text

REQUEST_ID_PATTERN = r"^[A-Za-z0-9_.:-]{1,128}$"

RequestId = Annotated[str, StringConstraints(pattern=REQUEST_ID_PATTERN)]
AnnotatorName = Annotated[str, StringConstraints(pattern=REQUEST_ID_PATTERN)]
"""Same characters as a request's id: no blanks and no ``@``, so it cannot be an email address."""


class CorrectedCall(BaseModel):
    """An intent that was meant, with its parameters in order."""

    intent: Text = Field(description="Name of the intent in the taxonomy")
    parameters: list[Text] = Field(
        default_factory=list, description="Values of its parameters, in the taxonomy's order"
    )


class CorrectionRequest(BaseModel):
    """An utterance (``instruction``, ``utterance`` or ``messages``) and its right calls.

    ``output`` is in the call language, such as ``weather_search(Hangzhou)``; ``calls`` are as
    predictions have them. ``request_id`` names the request that was answered wrongly.
    """

    instruction: Text | None = Field(None, description="The utterance")
    utterance: Text | None = Field(
        None, description="The utterance, under the name that predictions use"
    )
    messages: list[ChatMessage] | None = Field(
        None, description="The dialogue, of which the user's messages are the utterance"
    )
    output: Text | None = Field(None, description="The right answer in the call language")
    calls: list[CorrectedCall] | None = Field(None, description="The right answer as calls")
    prediction: Text | None = Field(None, description="The wrong answer")
    note: Text | None = Field(None, description="A remark for reviewers")
    annotator: AnnotatorName | None = Field(
        None,
        description="Annotator: a person's pseudonym or the name of a tool, of letters, digits "
        "and _ . : -; kept as it is",
    )
    request_id: RequestId | None = Field(
        None, description="Identifier of the request that was answered wrongly"
    )
    person: Person = None


class StoredCorrection(BaseModel):
    """The correction is in storage, under this id."""

    status: Literal["stored"] = Field("stored", description="The correction was stored")
    request_id: str = Field(description="Identifier under which it is stored")
