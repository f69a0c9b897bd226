"""Replies of bounded size: the connection to an endpoint that sends without end is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

MAX_REPLY_BYTES = 1_000_000


class ReplyTooLong(httpx2.ReadError):
    """The reply is larger than any valid answer."""


async def bound(response: httpx2.Response) -> None:
    """Limit the size of a reply, including error replies; a hook of the HTTP client.

    Raises:
        ReplyTooLong: The reply is compressed although the request did not allow compression; a
            small one may expand to a huge one.
    """
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise ReplyTooLong("compressed, which was not requested", request=response.request)
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
