"""Replies of a predictor: the used fields of the OpenAI API, checked; others are ignored."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

_Count = Annotated[int, Field(ge=0)]
_Byte = Annotated[int, Field(ge=0, le=255)]
_LogProbability = Annotated[float, Field(le=0, allow_inf_nan=False)]


class Usage(BaseModel):
    """Numbers of tokens; 0 where the predictor does not count."""

    prompt_tokens: _Count = 0
    completion_tokens: _Count = 0


class Token(BaseModel):
    """A token of the answer with the natural logarithm of its probability.

    Its bytes are given where it is a part of a character, which has no text of its own.
    """

    token: str
    logprob: _LogProbability
    octets: list[_Byte] | None = Field(None, alias="bytes")


class LogProbs(BaseModel):
    """The answer's tokens."""

    content: list[Token] | None = None


class Message(BaseModel):
    """The answer."""

    content: str


class Choice(BaseModel):
    """The answer, its tokens and why it ended."""

    message: Message
    finish_reason: str | None = None
    logprobs: LogProbs | None = None


class Completion(BaseModel):
    """The reply to a request without a stream."""

    choices: list[Choice] = Field(min_length=1)
    usage: Usage | None = None


class Delta(BaseModel):
    """A piece of the answer."""

    content: str | None = None


class ChunkChoice(BaseModel):
    """A piece of the answer, and why it ended."""

    delta: Delta
    finish_reason: str | None = None


class Chunk(BaseModel):
    """An event of a stream."""

    choices: list[ChunkChoice]
    usage: Usage | None = None


class Failure(BaseModel):
    """The event of a stream that failed."""

    error: Any
