"""Replies of bounded size: an endpoint that sends without end is hung up on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

MAX_REPLY_BYTES = 1_000_000


class ReplyTooLong(httpx2.ReadError):
    """The reply is longer than any answer."""


async def bound(response: httpx2.Response) -> None:
    """Let a reply, be it that of an error, end at a number of bytes; a hook of the HTTP client.

    Raises:
        ReplyTooLong: The reply is compressed, although none was asked for: a small one may become
            a huge one.
    """
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ReplyTooLong("compressed without being asked to", request=response.request)
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _BoundedStream(response.stream, response.request)


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
