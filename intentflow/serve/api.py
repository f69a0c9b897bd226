"""The OpenAI chat API over what evaluation asks: what was measured is what answers.

Greedy whatever a client asks for; the trained system prompt stands in place of the client's.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterable, AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint

from intentflow.inference.engines import Completion
from intentflow.serve.chat import ApiError, Chat

MAX_BODY_BYTES = 1_000_000


class TextPart(BaseModel):
    """A content part; only text is understood."""

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """A chat message."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]


class ChatRequest(BaseModel):
    """The fields of a chat completion request that mean something here; others are ignored."""

    model: str | None = None
    messages: list[Message] = Field(min_length=1, max_length=400)
    stream: bool = False
    max_completion_tokens: int | None = Field(None, ge=1)
    max_tokens: int | None = Field(None, ge=1)
    n: Literal[1] = 1


def create_app(chat: Chat, name: str, api_key: str | None = None) -> FastAPI:
    """The application.

    Args:
        chat: What answers.
        name: What the model is called in ``/v1/models``.
        api_key: Bearer token that ``/v1`` demands; None for none.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MAX_BODY_BYTES)
    created = int(time.time())

    _handle_errors(app)

    @app.middleware("http")
    async def authorize(request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Refuse a stranger before a byte of the body is read."""
        given = request.headers.get("authorization", "")
        expected = f"Bearer {api_key}"
        is_open = not api_key or not request.url.path.startswith("/v1")
        if is_open or hmac.compare_digest(given.encode(), expected.encode()):
            return await call_next(request)
        return _error(401, "the bearer token is missing or wrong")

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        model = {"id": name, "object": "model", "created": created, "owned_by": "intentflow"}
        return {"object": "list", "data": [model]}

    @app.post("/v1/chat/completions", response_model=None)
    async def complete(request: ChatRequest) -> Any:
        if request.model not in (None, name):
            raise ApiError(404, f"the model {request.model} does not exist; there is {name}")
        messages = [message.model_dump() for message in request.messages]
        if not any(m["role"] == "user" for m in messages):
            raise ApiError(400, "messages: there is no user message")
        limit = chat.limit(messages, request.max_completion_tokens or request.max_tokens)
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": name}
        if request.stream:
            events = _events(chat, messages, limit, head)
            return StreamingResponse(events, media_type="text/event-stream")
        done = await asyncio.to_thread(chat.complete, messages, limit)
        return _completion(done, head)

    return app


async def _events(
    chat: Chat, messages: list[dict[str, Any]], limit: int, head: dict[str, Any]
) -> AsyncIterator[str]:
    """Server-sent events: the role, the pieces, the finish reason, the end mark."""
    streamer = chat.streamer()
    task = asyncio.create_task(asyncio.to_thread(chat.complete, messages, limit, streamer))
    task.add_done_callback(lambda done: streamer.end() if done.exception() else None)
    yield _event(head, {"role": "assistant", "content": ""})
    async for piece in _stripped(streamer):
        yield _event(head, {"content": piece})
    done = await task
    yield _event(head, {"content": ""}, _reason(done))
    yield "data: [DONE]\n\n"


async def _stripped(pieces: AsyncIterable[str]) -> AsyncIterator[str]:
    """The pieces without the blanks around the whole, which an answer in one piece lacks too."""
    held, started = "", False
    async for piece in pieces:
        text = held + (piece if started else piece.lstrip())
        kept = text.rstrip()
        held = text[len(kept) :]
        if kept:
            started = True
            yield kept


def _event(head: dict[str, Any], delta: dict[str, str], reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    chunk = {**head, "object": "chat.completion.chunk", "choices": [choice]}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"


def _completion(done: Completion, head: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": done.text}
    choice = {"index": 0, "message": message, "finish_reason": _reason(done)}
    usage = {
        "prompt_tokens": done.prompt_tokens,
        "completion_tokens": done.answer_tokens,
        "total_tokens": done.prompt_tokens + done.answer_tokens,
    }
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}


def _reason(done: Completion) -> Annotated[str, "finish reason"]:
    return "stop" if done.ended else "length"


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def known(_: Request, error: ApiError) -> JSONResponse:
        return _error(error.status, error.message)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        too_large = f"the request is larger than {MAX_BODY_BYTES} bytes"
        return _error(error.status_code, too_large if error.status_code == 413 else error.detail)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return _error(400, f"{where}: {first['msg']}" if where else str(first["msg"]))

    @app.exception_handler(Exception)
    async def unknown(_: Request, __: Exception) -> JSONResponse:
        return _error(500, "the request failed; the server's log says why")


def _error(status: int, message: str) -> JSONResponse:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return JSONResponse({"error": {"message": message, "type": kind, "code": status}}, status)
