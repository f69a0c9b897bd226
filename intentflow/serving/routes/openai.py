"""The OpenAI API: the model's own answer, inside the taxonomy, greedy whatever a client asks."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from intentflow.serving.backend import ModelAnswer
from intentflow.serving.dialogue import read_messages
from intentflow.serving.model_header import model_header
from intentflow.serving.schemas.chat import (
    AssistantMessage,
    ChatChoice,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    ListedModel,
    ModelCard,
    ModelList,
)
from intentflow.serving.schemas.common import OpenAIErrorResponse
from intentflow.serving.service import CurrentService
from intentflow.serving.streaming import events, finish_reason, usage

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


@router.post("/chat/completions", response_model=None, responses=_ANSWER)
async def complete(body: ChatRequest, request: Request, service: CurrentService) -> Response:
    """Answer a dialogue; sampling settings are ignored, the system message is the trained one.

    The digest of a model as ``model`` asks that model alone: a canary before it has requests.
    """
    recognizer = service.recognizer_of(body.model)
    messages = read_messages(body.messages, service.limits)
    max_tokens = body.max_completion_tokens or body.max_tokens
    request_id = request.state.request_id
    head = ChatCompletionChunk(
        id=f"chatcmpl-{request_id}",
        created=int(time.time()),
        model=body.model or service.name,
        choices=[],
    )
    if body.stream:
        stream = await recognizer.stream(messages, max_tokens, request_id)
        headers = model_header([stream.model])
        with_usage = body.stream_options is not None and body.stream_options.include_usage
        seconds = service.limits.timeout_seconds
        chunks = events(stream.items, head, with_usage=with_usage, timeout_seconds=seconds)
        return StreamingResponse(chunks, headers=headers, media_type="text/event-stream")
    answer = await recognizer.complete(messages, max_tokens, request_id)
    headers = model_header([answer.model])
    return JSONResponse(_completion(head, answer).model_dump(), headers=headers)


def _completion(head: ChatCompletionChunk, answer: ModelAnswer) -> ChatCompletion:
    message = AssistantMessage(content=answer.text)
    choice = ChatChoice(message=message, finish_reason=finish_reason(answer))
    return ChatCompletion(
        id=head.id,
        created=head.created,
        model=head.model,
        choices=[choice],
        usage=usage(answer),
    )
