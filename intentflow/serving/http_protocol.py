"""HTTP/1.1 as uvicorn reads it, with limits on what comes before a request's body.

Neither uvicorn nor its parser bounds a request's head: its bytes, its headers, its time.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD_BYTES = 32_768
"""Bytes of the request line and the headers."""

MAX_HEADERS = 100
"""Headers of one request."""

HEAD_SECONDS = 10.0
"""Time from a request's first byte to the end of its headers."""

SILENT_SECONDS = 65.0
"""Time to a new connection's first byte."""

MAX_CONNECTIONS = 1024
"""Open connections; more are closed at once."""


class _HeadTooLarge(Exception):  # noqa: N818 - ends the parsing
    """The head of a request exceeds a limit."""


class LimitedProtocol(HttpToolsProtocol):
    """A connection whose request heads are bounded: 431, 408, or closed."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._is_head = True
        self._head_bytes = 0
        self._refusal = 400
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        self._set_timer(SILENT_SECONDS)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._set_timer(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; a head that grows beyond the limit ends the connection."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._is_head and self.parser is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431)

    def on_message_begin(self) -> None:
        """Begin to measure a head."""
        super().on_message_begin()
        self._is_head = True
        self._head_bytes = 0
        self._set_timer(HEAD_SECONDS)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._refusal = 431
            raise _HeadTooLarge

    def on_headers_complete(self) -> None:
        """Pass the request on, where its head is within the limits."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            self._refusal = 431
            raise _HeadTooLarge
        self._is_head = False
        self._set_timer(None)
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser stopped at."""
        if self._refusal == 400:
            super().send_400_response(msg)
        else:
            self._refuse(self._refusal)

    def _refuse(self, status: int) -> None:
        self._set_timer(None)
        headers = b"connection: close\r\ncontent-length: 0\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + headers)
        self.transport.close()

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._end) if seconds is not None else None

    def _end(self) -> None:
        """The head did not come in time."""
        if not self.transport.is_closing():
            self._refuse(408)
