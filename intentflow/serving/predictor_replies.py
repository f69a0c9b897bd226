"""Replies of a predictor: the used fields of the OpenAI API, checked; others are ignored."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

_Count = Annotated[int, Field(ge=0)]
_Byte = Annotated[int, Field(ge=0, le=255)]
_LogProbability = Annotated[float, Field(le=0, allow_inf_nan=False)]


class PredictorUsage(BaseModel):
    """Numbers of tokens; 0 where the predictor does not count."""

    prompt_tokens: _Count = 0
    completion_tokens: _Count = 0


class PredictorAlternative(BaseModel):
    """A token that was likely at a place."""

    token: str
    logprob: _LogProbability


class PredictorToken(BaseModel):
    """A token of the answer with the natural logarithm of its probability.

    Its bytes are given where it is a part of a character, which has no text of its own.
    """

    token: str
    logprob: _LogProbability
    octets: list[_Byte] | None = Field(None, alias="bytes")
    top_logprobs: list[PredictorAlternative] | None = None


class PredictorLogProbs(BaseModel):
    """The answer's tokens."""

    content: list[PredictorToken] | None = None


class PredictorMessage(BaseModel):
    """The answer."""

    content: str


class PredictorChoice(BaseModel):
    """The answer, its tokens and why it ended."""

    message: PredictorMessage
    finish_reason: str | None = None
    logprobs: PredictorLogProbs | None = None


class PredictorCompletion(BaseModel):
    """The reply to a request without a stream."""

    choices: list[PredictorChoice] = Field(min_length=1)
    usage: PredictorUsage | None = None


class PredictorDelta(BaseModel):
    """A piece of the answer."""

    content: str | None = None


class PredictorChunkChoice(BaseModel):
    """A piece of the answer, and why it ended."""

    delta: PredictorDelta
    finish_reason: str | None = None


class PredictorChunk(BaseModel):
    """An event of a stream."""

    choices: list[PredictorChunkChoice]
    usage: PredictorUsage | None = None


class PredictorFailure(BaseModel):
    """The event of a stream that failed."""

    error: Any
