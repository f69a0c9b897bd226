"""What every request passes first: token, size, kind, room, time; and what it is counted as."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from intentflow.serve.transformer.errors import ServiceError
from intentflow.serve.transformer.metrics import AT_ONCE, REQUESTS, SECONDS
from intentflow.serve.transformer.settings import Settings
from intentflow.serve.transformer.tokens import Keys

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Probes have no token, and say nothing but that the service is there.
OPEN = frozenset({"/healthz/live", "/healthz/ready", "/v2/health/live", "/v2/health/ready"})
_KINDS = ("application/json", "application/octet-stream")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_ROUTES = [
    ("predict", re.compile(r"/v1/models/[^/]+:predict")),
    ("infer", re.compile(r"/v2/models/[^/]+/infer")),
    ("chat", re.compile(r"/openai/v1/chat/completions")),
    ("feedback", re.compile(r"/feedback")),
    ("health", re.compile(r"/healthz/.*|/v2/health/.*")),
]

log = logging.getLogger("intentflow.transformer")


class Guard:
    """ASGI middleware before everything else.

    Args:
        app: What answers.
        settings: Sizes and times.
        keys: Tokens that are good.
    """

    def __init__(self, app: App, settings: Settings, keys: Keys) -> None:
        self._app = app
        self._settings = settings
        self._keys = keys
        self._at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        try:
            await self._serve(scope, receive, exchange)
        except ServiceError as error:
            await exchange.refuse(error)
        except Exception:
            log.exception("request %s failed", exchange.request_id)
            await exchange.refuse(ServiceError(500, "the request failed; the log says why"))
        finally:
            exchange.count()

    async def _serve(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        self._authorize(scope)
        if scope["path"] in OPEN:
            await self._app(scope, receive, exchange.send)
            return
        body = await self._body(scope, receive)
        if self._at_once >= self._settings.most_at_once:
            raise ServiceError(429, "too many requests at once; come again", 1)
        self._at_once += 1
        AT_ONCE.set(self._at_once)
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                await self._app(scope, _once(body, receive), exchange.send)
        except TimeoutError:
            limit = self._settings.timeout_seconds
            raise ServiceError(504, f"there was no answer within {limit:g} s") from None
        finally:
            self._at_once -= 1
            AT_ONCE.set(self._at_once)

    def _authorize(self, scope: Scope) -> None:
        path = scope["path"]
        if path == "/metrics":  # they have a port of their own, which the scraper alone reaches
            raise ServiceError(404, "there is no such route")
        if path in OPEN or not self._keys.demanded:
            return
        if not self._keys.accepts(_header(scope, b"authorization")):
            raise ServiceError(401, "the bearer token is missing, wrong or no longer good")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body, which is small; a larger one is not read."""
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            return b""
        kind = _header(scope, b"content-type").partition(";")[0].strip().lower()
        if kind not in _KINDS:
            raise ServiceError(415, "the content type must be application/json")
        most = self._settings.most_body_bytes
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > most:
            raise _too_large(most)
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                body = await _read(receive, most)
        except TimeoutError:
            raise ServiceError(408, "the request's body did not come in time") from None
        if kind == "application/json":
            _require_text(body)
        return body


class _Exchange:
    """One request and its answer: its id, its status, its time."""

    def __init__(self, scope: Scope, send: Send) -> None:
        given = _header(scope, b"x-request-id")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        headers = [pair for pair in scope["headers"] if pair[0] != b"x-request-id"]
        scope["headers"] = [*headers, (b"x-request-id", self.request_id.encode())]
        scope.setdefault("state", {})["request_id"] = self.request_id
        self._path = scope["path"]
        self._route = _route(self._path)
        self._send = send
        self._started = time.perf_counter()
        self._status: int | None = None

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Pass on, with the request's id among the headers."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            named = (b"x-request-id", self.request_id.encode())
            message["headers"] = [*message.get("headers", []), named]
        await self._send(message)

    async def refuse(self, error: ServiceError) -> None:
        """Answer with an error, unless an answer has begun."""
        if self._status is not None:
            return
        body = json.dumps(error.document(self._path), ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if error.retry_after_seconds is not None:
            headers.append((b"retry-after", b"%d" % error.retry_after_seconds))
        if error.status == HTTPStatus.UNAUTHORIZED:
            headers.append((b"www-authenticate", b"Bearer"))
        start = {"type": "http.response.start", "status": error.status, "headers": headers}
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})

    def count(self) -> None:
        """For Prometheus; a client that went away is 499."""
        REQUESTS.labels(self._route, str(self._status or 499)).inc()
        SECONDS.labels(self._route).observe(time.perf_counter() - self._started)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _route(path: str) -> str:
    return next((name for name, form in _ROUTES if form.fullmatch(path)), "other")


async def _read(receive: Receive, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ServiceError(400, "the request ended before its body")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _once(body: bytes, receive: Receive) -> Receive:
    """The body that was read, then what the connection says."""
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return pending.pop() if pending else await receive()

    return again


def _require_text(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError:
        raise ServiceError(400, "the request is not UTF-8") from None


def _too_large(most: int) -> ServiceError:
    return ServiceError(413, f"the request is larger than {most} bytes")
