"""The OpenAI API: the model's own answer, inside the taxonomy, greedy whatever a client asks."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from intentflow.serving.backend import ModelAnswer
from intentflow.serving.dialogue import ends_with_results, read_messages
from intentflow.serving.interpretation import interpret, is_admitted
from intentflow.serving.model_header import model_header
from intentflow.serving.recognizer import Asked
from intentflow.serving.schemas.chat import (
    AssistantMessage,
    CalledTool,
    ChatChoice,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    ListedModel,
    ModelCard,
    ModelList,
    ToolList,
)
from intentflow.serving.schemas.common import OpenAIErrorResponse
from intentflow.serving.service import CurrentService
from intentflow.serving.streaming import events, finish_reason, text_events, tool_events, usage
from intentflow.serving.tools import tool_calls, tools_of

PREFIXES = ("/v1", "/openai/v1")
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": OpenAIErrorResponse, "description": "Refused"},
    "5XX": {"model": OpenAIErrorResponse, "description": "Not answered"},
}
_EVENT = {"type": "object", "required": ["data"], "properties": {"data": {"type": "string"}}}
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "model": ChatCompletion,
        "description": "The answer; with `stream` as events, whose data is a "
        "`chat.completion.chunk` or, at the end, `[DONE]`",
        "content": {"text/event-stream": {"itemSchema": _EVENT}},
    }
}


router = APIRouter(tags=["OpenAI"], responses=_ERRORS)


@router.get("/models")
async def models(service: CurrentService) -> ModelList:
    """The served model."""
    listed = ListedModel(id=service.name, created=service.created)
    return ModelList(data=[listed], models=[service.name])


@router.get("/models/{name}")
async def model(name: str, service: CurrentService) -> ModelCard:
    """The served model, or one model by its digest, while it answers."""
    await service.require_backend(name)
    return ModelCard(id=name, created=service.created, name=name, ready=True)


@router.get("/tools")
async def tools(service: CurrentService) -> ToolList:
    """The taxonomy as tools, for ``tools`` of a chat completion."""
    return ToolList(data=tools_of(service.model.taxonomy))


@router.post("/chat/completions", response_model=None, responses=_ANSWER)
async def complete(body: ChatRequest, request: Request, service: CurrentService) -> Response:
    """Answer a dialogue; sampling settings are ignored, the system message is the trained one.

    The digest of a model as ``model`` asks that model alone: a canary before it has requests.
    """
    recognizer = service.recognizer_of(body.model)
    messages = read_messages(body.messages, service.limits)
    max_tokens = body.max_completion_tokens or body.max_tokens
    request_id = request.state.request_id
    asked = Asked(request_id, service.log.hashed(body.person))
    head = ChatCompletionChunk(
        id=f"chatcmpl-{request_id}",
        created=int(time.time()),
        model=body.model or service.name,
        choices=[],
    )
    may_call = body.tool_choice != "none" and not ends_with_results(body.messages)
    if body.tools and may_call:
        answer = await recognizer.complete(messages, max_tokens, asked)
        return _tools_reply(answer, body, head, request_id)
    if body.stream:
        stream = await recognizer.stream(messages, max_tokens, asked)
        headers = model_header([stream.model])
        with_usage = _wants_usage(body)
        seconds = service.limits.timeout_seconds
        chunks = events(stream.items, head, with_usage=with_usage, timeout_seconds=seconds)
        return StreamingResponse(chunks, headers=headers, media_type="text/event-stream")
    answer = await recognizer.complete(messages, max_tokens, asked)
    return _complete_reply(answer, [], head)


def _tools_reply(
    answer: ModelAnswer, body: ChatRequest, head: ChatCompletionChunk, request_id: str
) -> Response:
    """The answer as calls of the client's tools, or as text where it names no such tool."""
    declared = {tool.function.name for tool in body.tools or ()}
    calls: list[CalledTool] = []
    if is_admitted(answer):
        found = interpret(answer, 0.0).calls
        calls = tool_calls(found, answer.model.taxonomy, declared, request_id)
    if not body.stream:
        return _complete_reply(answer, calls, head)
    with_usage = _wants_usage(body)
    chunks = (
        tool_events(calls, answer, head, with_usage=with_usage)
        if calls
        else text_events(answer, head, with_usage=with_usage)
    )
    headers = model_header([answer.model])
    return StreamingResponse(chunks, headers=headers, media_type="text/event-stream")


def _wants_usage(body: ChatRequest) -> bool:
    return body.stream_options is not None and body.stream_options.include_usage


def _complete_reply(
    answer: ModelAnswer, calls: list[CalledTool], head: ChatCompletionChunk
) -> JSONResponse:
    message = AssistantMessage(content=None if calls else answer.text, tool_calls=calls or None)
    reason = "tool_calls" if calls else finish_reason(answer)
    completion = ChatCompletion(
        id=head.id,
        created=head.created,
        model=head.model,
        choices=[ChatChoice(message=message, finish_reason=reason)],
        usage=usage(answer),
    )
    without = None if calls else {"choices": {0: {"message": {"tool_calls"}}}}
    return JSONResponse(
        completion.model_dump(exclude=without), headers=model_header([answer.model])
    )
