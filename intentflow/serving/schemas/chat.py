"""The OpenAI API: models and chat completions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, StrictBool

from intentflow.serving.schemas.common import ChatMessage, Person, Text


class StreamOptions(BaseModel):
    """Contents of a stream in addition to the answer."""

    include_usage: StrictBool = Field(
        False, description="Whether a last event has the numbers of tokens"
    )


class ToolFunction(BaseModel):
    """A function that the client has; only its name matters, the taxonomy has the rest."""

    name: Text = Field(description="Name of the function, as `GET /v1/tools` has it")


class Tool(BaseModel):
    """A tool that the client has."""

    type: Literal["function"] = Field("function", description="Kind of the tool")
    function: ToolFunction = Field(description="The function")


class FunctionCall(BaseModel):
    """A function with the values of its parameters."""

    name: str = Field(description="Name of the function")
    arguments: str = Field(description="Values by the parameter's name, as a JSON text")


class CalledTool(BaseModel):
    """A call of a tool of the client's."""

    id: str = Field(description="Identifier of the call")
    type: Literal["function"] = Field("function", description="Kind of the tool")
    function: FunctionCall = Field(description="The function that is called")


class ToolList(BaseModel):
    """The taxonomy as tools, for `tools` of a chat completion."""

    object: Literal["list"] = Field("list", description="Kind of the object")
    data: list[dict[str, Any]] = Field(
        description="A tool for each intent but the out-of-scope one, with the JSON Schema of its "
        "parameters"
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
    tools: list[Tool] | None = Field(
        None, description="Tools of the client, which the answer calls where they are recognized"
    )
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = Field(
        None, description="none: answer with text; any other leaves the choice to the model"
    )
    n: Literal[1] | None = Field(
        None, description="Number of answers; only 1 is possible, because answers are deterministic"
    )
    person: Person = None


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
    content: str | None = Field(
        description="The answer in the model's output format; null where it calls tools"
    )
    tool_calls: list[CalledTool] | None = Field(
        None, description="Calls of the client's tools; missing where there are none"
    )


FinishReason = Literal["stop", "length", "tool_calls"]


class ChatChoice(BaseModel):
    """The one choice."""

    index: int = Field(0, description="Always 0, because there is one choice")
    message: AssistantMessage = Field(description="The answer")
    finish_reason: FinishReason = Field(
        description="stop for a complete answer, length for one that reached the limit of tokens, "
        "tool_calls for one that calls tools"
    )


class ChatCompletion(BaseModel):
    """A complete answer."""

    id: str = Field(description="Identifier of the request")
    object: Literal["chat.completion"] = Field("chat.completion", description="Kind of the object")
    created: int = Field(description="Time of the request, in seconds since 1970 (UTC)")
    model: str = Field(description="Name of the served model")
    choices: list[ChatChoice] = Field(description="One choice")
    usage: Usage = Field(description="Numbers of tokens")


class CalledToolPiece(CalledTool):
    """A call of a tool, in one piece."""

    index: int = Field(description="Number of the call, from 0")


class Delta(BaseModel):
    """A piece of the answer."""

    role: Literal["assistant"] | None = Field(
        None, description="The assistant's in the first event, null in others"
    )
    content: str = Field("", description="Text that continues the answer")
    tool_calls: list[CalledToolPiece] | None = Field(
        None, description="Calls of the client's tools; missing where there are none"
    )


class ChunkChoice(BaseModel):
    """The piece of the one choice."""

    index: int = Field(0, description="Always 0, because there is one choice")
    delta: Delta = Field(description="The piece")
    finish_reason: FinishReason | None = Field(
        None, description="Reason of the end, in the last event of the answer; null in others"
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
    name: str = Field(description="Name of the served model, for KServe's clients")
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
