"""The OpenAI API: models and chat completions."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, StrictBool

from intentflow.serving.schemas.common import ChatMessage, Text


class StreamOptions(BaseModel):
    """Contents of a stream in addition to the answer."""

    include_usage: StrictBool = Field(
        False, description="Whether a last event has the numbers of tokens"
    )


class ChatRequest(BaseModel):
    """A chat completion request; other fields, such as ``temperature``, are ignored."""

    model: Text | None = Field(
        None,
        description="Name of the service, or the digest of a model behind it; another name is "
        "refused, none means the service",
    )
    messages: list[ChatMessage] = Field(
        min_length=1, description="The dialogue, oldest message first"
    )
    stream: StrictBool | None = Field(
        None, description="Whether the answer comes as server-sent events"
    )
    stream_options: StreamOptions | None = Field(None, description="Further contents of a stream")
    max_completion_tokens: int | None = Field(
        None, ge=1, description="Maximum tokens of the answer"
    )
    max_tokens: int | None = Field(None, ge=1, description="Older name of max_completion_tokens")
    n: Literal[1] | None = Field(
        None, description="Number of answers; only 1 is possible, because answers are deterministic"
    )


class Usage(BaseModel):
    """Tokens of the prompt and the answer."""

    prompt_tokens: int = Field(
        description="Tokens of the complete prompt, the system text included"
    )
    completion_tokens: int = Field(description="Tokens of the answer")
    total_tokens: int = Field(description="Sum of both")


class AssistantMessage(BaseModel):
    """The model's answer."""

    role: Literal["assistant"] = Field("assistant", description="Always the assistant's")
    content: str = Field(description="The answer in the model's output format")


FinishReason = Literal["stop", "length"]


class ChatChoice(BaseModel):
    """The one choice; its reason is ``length`` where the answer reached the limit of tokens."""

    index: int = Field(0, description="Always 0, because there is one choice")
    message: AssistantMessage = Field(description="The answer")
    finish_reason: FinishReason = Field(
        description="stop for a complete answer, length for one that reached the limit"
    )


class ChatCompletion(BaseModel):
    """A complete answer."""

    id: str = Field(description="Identifier of the request")
    object: Literal["chat.completion"] = Field("chat.completion", description="Kind of the object")
    created: int = Field(description="Time of the request, in seconds since 1970 (UTC)")
    model: str = Field(description="Name of the served model")
    choices: list[ChatChoice] = Field(description="One choice")
    usage: Usage = Field(description="Numbers of tokens")


class Delta(BaseModel):
    """A piece of the answer."""

    role: Literal["assistant"] | None = Field(
        None, description="The assistant's in the first event, null in others"
    )
    content: str = Field("", description="Text that continues the answer")


class ChunkChoice(BaseModel):
    """The piece of the one choice."""

    index: int = Field(0, description="Always 0, because there is one choice")
    delta: Delta = Field(description="The piece")
    finish_reason: FinishReason | None = Field(
        None, description="Set in the last event of the answer, null in others"
    )


class ChatCompletionChunk(BaseModel):
    """An event of a streamed answer."""

    id: str = Field(description="Identifier of the request, the same in all events")
    object: Literal["chat.completion.chunk"] = Field(
        "chat.completion.chunk", description="Kind of the object"
    )
    created: int = Field(description="Time of the request, in seconds since 1970 (UTC)")
    model: str = Field(description="Name of the served model")
    choices: list[ChunkChoice] = Field(
        description="One choice; none in an event with numbers of tokens alone"
    )
    usage: Usage | None = Field(
        None, description="Numbers of tokens, in the last event if asked for"
    )


class ModelCard(BaseModel):
    """The served model, as OpenAI's and KServe's clients ask for it."""

    id: str = Field(description="Name of the served model")
    object: Literal["model"] = Field("model", description="Kind of the object")
    created: int = Field(description="Time of the server's start, in seconds since 1970 (UTC)")
    owned_by: str = Field("intentflow", description="Name of the server's project")
    name: str = Field(description="The same name, for KServe's clients")
    ready: bool = Field(description="Whether the model answers")


class ListedModel(BaseModel):
    """The served model in a list."""

    id: str = Field(description="Name of the served model")
    object: Literal["model"] = Field("model", description="Kind of the object")
    created: int = Field(description="Time of the server's start, in seconds since 1970 (UTC)")
    owned_by: str = Field("intentflow", description="Name of the server's project")


class ModelList(BaseModel):
    """The served models: ``data`` for OpenAI's clients, ``models`` for KServe's."""

    object: Literal["list"] = Field("list", description="Kind of the object")
    data: list[ListedModel] = Field(description="The served models, for OpenAI's clients")
    models: list[str] = Field(description="Names of the served models, for KServe's clients")
