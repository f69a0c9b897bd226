"""Checks of every request: token, size, content type, room, time; and its count."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import time
import uuid
from asyncio import FIRST_COMPLETED
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from intentflow.serving.binary_tensors import BINARY_TYPE
from intentflow.serving.errors import ReplyError, no_answer_within
from intentflow.serving.limits import Limits
from intentflow.serving.metrics import IN_PROGRESS, REQUESTS, SECONDS
from intentflow.serving.schemas.feedback import REQUEST_ID_PATTERN
from intentflow.serving.tokens import Keys

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Probes have no token, and learn nothing but that the service is there.
OPEN = frozenset(
    {"/health", "/healthz/live", "/healthz/ready", "/v2/health/live", "/v2/health/ready"}
)
_CONTENT_TYPES = ("application/json", BINARY_TYPE)
_REQUEST_ID = re.compile(REQUEST_ID_PATTERN)
_ROUTES = [
    ("predict", re.compile(r"/v1/models/[^/]+:predict")),
    ("infer", re.compile(r"/v2/models/[^/]+/infer")),
    ("chat", re.compile(r"(/openai)?/v1/chat/completions")),
    ("feedback", re.compile(r"/feedback")),
    ("health", re.compile(r"/health|/healthz/.*|/v2/health/.*")),
]
_PORT = re.compile(r":\d+$")
_RETRY_SECONDS = 1
_STREAM_GRACE_SECONDS = 2.0

log = logging.getLogger(__name__)


class Guard:
    """ASGI middleware before everything else.

    Args:
        app: The application behind it.
        limits: Sizes and times.
        keys: The valid tokens.
        host: Name by which clients know the server, where none needs a token; None checks nothing.
    """

    def __init__(self, app: App, limits: Limits, keys: Keys, host: str | None = None) -> None:
        self._app = app
        self._host = host
        self._limits = limits
        self._keys = keys
        self._in_progress = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        try:
            await self._serve(scope, receive, exchange)
        except ReplyError as error:
            await exchange.refuse(error)
        except Exception:
            log.exception("request %s failed", exchange.request_id)
            await exchange.refuse(
                ReplyError(500, "the request failed; the server's log has the reason")
            )
        finally:
            exchange.count()

    async def _serve(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        self._authorize(scope)
        if scope["path"] in OPEN:
            await self._app(scope, receive, exchange.send)
            return
        body = await self._body(scope, receive)
        if self._in_progress >= self._limits.max_concurrent:
            raise ReplyError(429, "too many requests at once; retry later", _RETRY_SECONDS)
        self._in_progress += 1
        IN_PROGRESS.set(self._in_progress)
        try:
            await self._answer(scope, _Connection(body, receive), exchange)
        finally:
            self._in_progress -= 1
            IN_PROGRESS.set(self._in_progress)

    async def _answer(self, scope: Scope, connection: _Connection, exchange: _Exchange) -> None:
        """Let the application answer, within the time limit and while the client is there."""
        answering = asyncio.ensure_future(self._app(scope, connection.receive, exchange.send))
        leaving = asyncio.ensure_future(connection.wait_closed())
        try:
            done, _ = await asyncio.wait(
                {answering, leaving},
                timeout=self._limits.timeout_seconds,
                return_when=FIRST_COMPLETED,
            )
            if not done and exchange.has_begun:  # a stream ends with an error event of its own
                done, _ = await asyncio.wait(
                    {answering, leaving}, timeout=_STREAM_GRACE_SECONDS, return_when=FIRST_COMPLETED
                )
        finally:
            leaving.cancel()
            if not answering.done():
                answering.cancel()
                await asyncio.wait({answering})
        if answering in done:
            answering.result()
        elif not done:
            raise no_answer_within(self._limits.timeout_seconds)

    def _authorize(self, scope: Scope) -> None:
        path = scope["path"]
        if path == "/metrics":  # they have a port of their own, which the scraper alone reaches
            raise ReplyError(404, "there is no such route")
        if path in OPEN:
            return
        if not self._keys.demanded:
            self._require_own_host(_header(scope, b"host"))
        elif not self._keys.accepts(_header(scope, b"authorization")):
            raise ReplyError(401, "the bearer token is missing, wrong or no longer valid")

    def _require_own_host(self, header: str) -> None:
        """A page from elsewhere can lead its name to this address, but not change the header."""
        name = header.rpartition(":")[0] if _PORT.search(header) else header
        if self._host is None or name in ("localhost", self._host) or _is_address(name):
            return
        raise ReplyError(421, "the Host header names another server")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The complete body, which is small; a larger one is not read."""
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            return b""
        content_type = _header(scope, b"content-type").partition(";")[0].strip().lower()
        if content_type not in _CONTENT_TYPES:
            raise ReplyError(415, "the content type must be application/json")
        limit = self._limits.max_body_bytes
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await _read(receive, limit)
        except TimeoutError:
            raise ReplyError(408, "the request's body did not come in time") from None
        if content_type != BINARY_TYPE:
            _require_text(body)
        return body


class _Connection:
    """A request whose body was read: the application gets it, and learns when its client leaves."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive
        self._closed = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        """The body, then the disconnection."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._closed.wait()
        return {"type": "http.disconnect"}

    async def wait_closed(self) -> None:
        """Return when the client has left."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._closed.set()


class _Exchange:
    """One request and its response: its id, its status, its time."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = _header(scope, b"x-request-id")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = self.request_id
        self._scope = scope
        self._receive = receive
        self._send = send
        self._route = _route(scope["path"])
        self._started = time.perf_counter()
        self._status: int | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a response has begun."""
        return self._status is not None

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Pass on, with the request's id among the headers."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            named = (b"x-request-id", self.request_id.encode())
            message["headers"] = [*message.get("headers", []), named]
        await self._send(message)

    async def refuse(self, error: ReplyError) -> None:
        """Respond with an error, unless a response has begun."""
        if self._status is None:
            response = error.response(self._scope["path"])
            await response(self._scope, self._receive, self.send)

    def count(self) -> None:
        """Count for Prometheus, where a client that left is 499, and log what was not answered."""
        status = self._status or 499
        REQUESTS.labels(self._route, str(status)).inc()
        SECONDS.labels(self._route).observe(time.perf_counter() - self._started)
        if status >= 400 and self._route != "health":
            level = logging.WARNING if status >= 500 else logging.INFO
            log.log(level, "request %s: %s: HTTP %d", self.request_id, self._route, status)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _route(path: str) -> str:
    return next((name for name, form in _ROUTES if form.fullmatch(path)), "other")


async def _read(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ReplyError(400, "the request ended before its body")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _require_text(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError:
        raise ReplyError(400, "the request is not UTF-8") from None


def _too_large(limit: int) -> ReplyError:
    return ReplyError(413, f"the request is larger than {limit} bytes")
