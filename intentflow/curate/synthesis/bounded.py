"""Replies of bounded size: a teacher that sends without end is hung up on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

MAX_REPLY_BYTES = 1_000_000


class ReplyTooLong(httpx2.ReadError):
    """The reply is longer than any answer."""


class BoundedTransport(httpx2.AsyncHTTPTransport):
    """Connections whose replies, those of errors included, end at a number of bytes."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; reading the reply's body raises where it is too long.

        Raises:
            ReplyTooLong: The reply is compressed, although none was asked for: a small one may
                become a huge one.
        """
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.stream.aclose()
            raise ReplyTooLong("compressed without being asked to", request=request)
        response.stream = _BoundedStream(response.stream, request)
        return response


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in self._stream:
            received += len(chunk)
            if received > MAX_REPLY_BYTES:
                raise ReplyTooLong("too long", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
