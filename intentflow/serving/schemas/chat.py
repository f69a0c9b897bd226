"""The OpenAI API: models and chat completions."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, StrictBool

from intentflow.serving.schemas.common import ChatMessage, Text


class StreamOptions(BaseModel):
    """Contents of a stream in addition to the answer."""

    include_usage: StrictBool = False


class ChatRequest(BaseModel):
    """A chat completion request; other fields, such as ``temperature``, are ignored."""

    model: Text | None = None
    messages: list[ChatMessage] = Field(min_length=1)
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    max_completion_tokens: int | None = Field(None, ge=1)
    max_tokens: int | None = Field(None, ge=1)
    n: Literal[1] | None = None


class Usage(BaseModel):
    """Tokens of the prompt and the answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AssistantMessage(BaseModel):
    """The model's answer."""

    role: Literal["assistant"] = "assistant"
    content: str


FinishReason = Literal["stop", "length"]


class ChatChoice(BaseModel):
    """The one choice; its reason is ``length`` where the answer reached the limit of tokens."""

    index: int = 0
    message: AssistantMessage
    finish_reason: FinishReason


class ChatCompletion(BaseModel):
    """A complete answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class Delta(BaseModel):
    """A piece of the answer."""

    role: Literal["assistant"] | None = None
    content: str = ""


class ChunkChoice(BaseModel):
    """The piece of the one choice."""

    index: int = 0
    delta: Delta
    finish_reason: FinishReason | None = None


class ChatCompletionChunk(BaseModel):
    """An event of a streamed answer."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None


class ModelCard(BaseModel):
    """The served model, as OpenAI's and KServe's clients ask for it."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "intentflow"
    name: str
    ready: bool


class ListedModel(BaseModel):
    """The served model in a list."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "intentflow"


class ModelList(BaseModel):
    """The served models: ``data`` for OpenAI's clients, ``models`` for KServe's."""

    object: Literal["list"] = "list"
    data: list[ListedModel]
    models: list[str]
