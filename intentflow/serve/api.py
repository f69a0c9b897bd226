"""The OpenAI chat API over the engine that evaluation uses: what was measured is what answers.

Greedy whatever a client asks for; the trained system prompt stands in place of the client's.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterable, AsyncIterator
from threading import Lock
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint

from intentflow.evaluate.engines import MAX_NEW_TOKENS, Completion
from intentflow.evaluate.transformers_engine import TransformersEngine

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
    messages: list[Message] = Field(min_length=1, max_length=200)
    stream: bool = False
    max_completion_tokens: int | None = Field(None, ge=1)
    max_tokens: int | None = Field(None, ge=1)
    n: Literal[1] = 1


class ApiError(Exception):
    """An answer other than success, in the OpenAI API's shape."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def create_app(engine: TransformersEngine, name: str, api_key: str | None = None) -> FastAPI:
    """The application.

    Args:
        engine: The loaded model.
        name: What the model is called in ``/v1/models``.
        api_key: Bearer token that ``/v1`` demands; None for none.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MAX_BODY_BYTES)
    worker = _Worker(engine)
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
    async def chat(request: ChatRequest) -> Any:
        if request.model not in (None, name):
            raise ApiError(404, f"the model {request.model} does not exist; there is {name}")
        messages = [message.model_dump() for message in request.messages]
        if not any(m["role"] == "user" for m in messages):
            raise ApiError(400, "messages: there is no user message")
        limit = worker.limit(messages, request.max_completion_tokens or request.max_tokens)
        head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": name}
        if request.stream:
            events = _events(worker, messages, limit, head)
            return StreamingResponse(events, media_type="text/event-stream")
        done = await asyncio.to_thread(worker.complete, messages, limit)
        return _completion(done, head)

    return app


class _Worker:
    """One generation at a time: two would only slow one another down on the same cores."""

    def __init__(self, engine: TransformersEngine) -> None:
        self._engine = engine
        self._lock = Lock()

    def limit(self, messages: list[dict[str, Any]], asked: int | None) -> int:
        """Answer tokens to allow: what is asked for, within what was evaluated and what fits."""
        from intentflow.prompts import chat_token_ids

        context = int(self._engine.model.config.max_position_embeddings)
        room = context - len(chat_token_ids(self._engine.tokenizer, messages))
        if room < 1:
            raise ApiError(400, f"the messages are longer than the model's {context} tokens")
        return min(asked or MAX_NEW_TOKENS, MAX_NEW_TOKENS, room)

    def complete(
        self, messages: list[dict[str, Any]], limit: int, streamer: Any = None
    ) -> Completion:
        """Answer, after those who came before."""
        with self._lock:
            return self._engine.complete(messages, limit, streamer)

    def streamer(self) -> Any:
        """A queue of text pieces, filled by :meth:`complete`."""
        from transformers import AsyncTextIteratorStreamer

        return AsyncTextIteratorStreamer(
            self._engine.tokenizer,
            skip_prompt=True,
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )


async def _events(
    worker: _Worker, messages: list[dict[str, Any]], limit: int, head: dict[str, Any]
) -> AsyncIterator[str]:
    """Server-sent events: the role, the pieces, the finish reason, the end mark."""
    streamer = worker.streamer()
    task = asyncio.create_task(asyncio.to_thread(worker.complete, messages, limit, streamer))
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
