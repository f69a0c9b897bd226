"""Clients of a service: well-behaved ones, and those that leave, dawdle or send too much."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

CHAT = "/v1/chat/completions"
PATIENCE_SECONDS = 60.0
_UTTERANCES = ["play Queen", "weather in Oslo", "what is the weather in Paris today", "我想听音乐"]
_CLOSED = "closed"
_LEFT = "left"


@dataclass
class Failure:
    """A well-behaved request that was not answered.

    Attributes:
        began: Time of sending, in seconds of the monotonic clock.
        ended: Time of the failure, by the same clock.
        kind: Kind of the request.
        reason: Status or exception.
    """

    began: float
    ended: float
    kind: str
    reason: str


@dataclass
class Log:
    """Outcomes of all requests.

    Attributes:
        outcomes: Number of requests by kind and status.
        seconds: Times of the well-behaved requests that were answered.
        failures: Well-behaved requests that were not answered.
        surprises: Replies to other requests that they must not get.
    """

    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: list[float] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    surprises: list[Failure] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """Seconds that this share of the well-behaved requests took at most."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Clients:
    """Clients of one service.

    Args:
        url: URL of the service.
        token: Bearer token.
        correction: A correction that the service's taxonomy accepts.
        pause_seconds: Longest pause of a client between two requests.
    """

    def __init__(self, url: str, token: str, correction: dict[str, str], pause_seconds: float):
        self.log = Log()
        self._address = httpx.URL(url)
        self._token = token
        self._correction = correction
        self._pause = pause_seconds
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=PATIENCE_SECONDS, limits=limits
        )

    async def run(self, clients: int, ended: asyncio.Event) -> None:
        """So many clients until the event; a quarter of them are not well-behaved."""
        hostile = [self._leave, self._dawdle, self._overload, self._dribble]
        behaviours = [
            hostile[number // 4 % len(hostile)] if number % 4 == 0 else self._behave
            for number in range(clients)
        ]
        async with self._client:
            await asyncio.gather(*(self._repeat(each, ended) for each in behaviours))

    async def _repeat(self, behave: Callable[[], Awaitable[None]], ended: asyncio.Event) -> None:
        while not ended.is_set():
            await behave()
            await asyncio.sleep(random.uniform(0, self._pause))

    async def _behave(self) -> None:
        """One request of a kind that is to be answered."""
        kinds = {
            "predict": self._predict,
            "infer": self._infer,
            "chat": self._chat,
            "stream": self._stream,
            "feedback": self._feedback,
        }
        kind = random.choice(list(kinds))
        began = time.monotonic()
        try:
            outcome, is_answered = await kinds[kind]()
        except httpx.HTTPError as error:
            outcome, is_answered = type(error).__name__, False
        self.log.outcomes[kind][outcome] += 1
        now = time.monotonic()
        if is_answered:
            self.log.seconds.append(now - began)
        else:
            self.log.failures.append(Failure(began, now, kind, outcome))
            await asyncio.sleep(0.2)

    async def _predict(self) -> tuple[str, bool]:
        return await self._post("/v1/models/intent:predict", {"instances": _utterances(3)})

    async def _infer(self) -> tuple[str, bool]:
        texts = _utterances(2)
        tensor = {"name": "utterance", "shape": [2], "datatype": "BYTES", "data": texts}
        return await self._post("/v2/models/intent/infer", {"inputs": [tensor]})

    async def _chat(self) -> tuple[str, bool]:
        return await self._post(CHAT, _chat_body())

    async def _feedback(self) -> tuple[str, bool]:
        return await self._post("/feedback", self._correction)

    async def _post(self, path: str, body: dict[str, Any]) -> tuple[str, bool]:
        reply = await self._client.post(path, json=body)
        return str(reply.status_code), reply.is_success

    async def _stream(self) -> tuple[str, bool]:
        """A stream is answered when its end mark has come."""
        async with self._client.stream("POST", CHAT, json=_chat_body(stream=True)) as reply:
            lines = [line async for line in reply.aiter_lines() if line]
        is_complete = reply.is_success and lines[-1] == "data: [DONE]"
        outcome = str(reply.status_code)
        return (outcome if is_complete or not reply.is_success else "error event"), is_complete

    async def _leave(self) -> None:
        """Close the connection, half of the time with a reset, before the answer is complete."""
        body = json.dumps(_chat_body(stream=random.random() < 0.5)).encode()
        _, writer = await self._connect()
        try:
            writer.write(self._head(len(body)) + body)
            await asyncio.sleep(random.uniform(0, 0.3))
            if random.random() < 0.5:
                abort = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, abort
                )
        finally:
            writer.close()
        self.log.outcomes["leaving"][_LEFT] += 1

    async def _dawdle(self) -> None:
        """Send the body in pieces over some seconds: slow, but to be answered."""
        body = json.dumps(_chat_body()).encode()
        pieces = [body[start : start + 20] for start in range(0, len(body), 20)]
        await self._raw("slow body", [self._head(len(body)), *pieces], 0.5, {"200"})

    async def _dribble(self) -> None:
        """A head or a body that never ends."""
        head = self._head(1000)
        if random.random() < 0.5:
            await self._raw("endless body", [head, b"{"], 0.1, {"408", _CLOSED})
        else:
            await self._raw("endless head", [head[:-2], b"X-More: "], 0.1, {"408", _CLOSED})

    async def _overload(self) -> None:
        """Too much: a declared body, an undeclared one, a head, a text."""
        size = 1_500_000
        text = json.dumps(_chat_body("a" * 30_000)).encode()
        chunk = b"%x\r\n%s\r\n" % (size, b" " * size)
        kind, parts, status = random.choice(
            [
                ("large body", [self._head(size), b" " * size], "413"),
                ("large chunks", [self._head(None), chunk], "413"),
                ("large head", [self._head(2)[:-2], b"X-More: " + b"a" * 70_000], "431"),
                ("long text", [self._head(len(text)), text], "413"),
            ]
        )
        await self._raw(kind, parts, 0.0, {status, _CLOSED})

    async def _raw(self, kind: str, parts: list[bytes], pause: float, expected: set[str]) -> None:
        """Send parts with pauses between them; another outcome than expected is a surprise."""
        began = time.monotonic()
        reader, writer = await self._connect()
        try:
            outcome = await _exchange(reader, writer, parts, pause)
        finally:
            writer.close()
        self.log.outcomes[kind][outcome] += 1
        if outcome not in expected:
            self.log.surprises.append(Failure(began, time.monotonic(), kind, outcome))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._address.host, self._address.port)

    def _head(self, length: int | None) -> bytes:
        size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
        return (
            f"POST {CHAT} HTTP/1.1\r\nhost: {self._address.host}\r\n{size}\r\n"
            f"content-type: application/json\r\nauthorization: Bearer {self._token}\r\n\r\n"
        ).encode()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, parts: list[bytes], pause: float
) -> str:
    """The status of the response, or that the connection was closed without one."""
    try:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await reader.readline()
    except ConnectionError:
        return _CLOSED
    except TimeoutError:
        return "no response"
    return line.split()[1].decode() if line else _CLOSED


def _chat_body(text: str = "", stream: bool = False) -> dict[str, Any]:
    content = text or _utterances(1)[0]
    return {"messages": [{"role": "user", "content": content}], "stream": stream}


def _utterances(count: int) -> list[str]:
    return random.choices(_UTTERANCES, k=count)
