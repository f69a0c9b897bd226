"""Clients that leave: their work ends, and those who wait behind them are answered."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from intentflow.inference.decoding import Decoded, Request
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.serving.app import create_app
from intentflow.serving.backend import Message
from intentflow.serving.limits import Limits
from intentflow.serving.local_backend import LocalBackend
from intentflow.serving.model_files import read_served_model
from intentflow.serving.request_log import RequestLog
from intentflow.serving.service import Service
from intentflow.serving.tokens import Keys
from intentflow.taxonomy import Taxonomy
from tests.models import one_thread
from tests.real_parts.process import free_port

CHAT = "/v1/chat/completions"
PREDICT = "/v1/models/intent:predict"
BODY = {"messages": [{"role": "user", "content": "put on Queen"}]}


class SlowDecoding:
    """An engine whose passes take long, and whose answers do not end before their limit.

    Attributes:
        begun: How many answers were begun.
        running: How many are in decoding.
    """

    def __init__(self, engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        self.running = 0
        self.pass_seconds = 0.1
        decoder = engine._decoder
        begin, step = decoder._begin, decoder._step

        def count_begun(request: Request) -> Any:
            self.begun += 1
            return begin(request)

        def step_slowly(rows: list[Any], cache: Any) -> list[Decoded]:
            self.running = len(rows)
            time.sleep(self.pass_seconds)
            done: list[Decoded] = step(rows, cache)
            self.running = len(rows)
            return done

        monkeypatch.setattr(decoder, "_begin", count_begun)
        monkeypatch.setattr(decoder, "_step", step_slowly)
        complete_all = engine.complete_all

        def complete(*arguments: Any) -> Iterator[Any]:
            try:
                yield from complete_all(*arguments)
            finally:
                self.running = 0

        monkeypatch.setattr(engine, "complete_all", complete)


@contextmanager
def _listening(engine: TransformersEngine, limits: Limits) -> Iterator[str]:
    model = read_served_model(str(engine.folder))
    backend = LocalBackend(engine, model)
    service = Service("intent", model, backend, RequestLog(None, 1.0, model), limits)
    port = free_port()
    config = uvicorn.Config(create_app(service, Keys(None, None)), port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    _wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=30)


def _wait_until(condition: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def engine(tiny_model: Path) -> TransformersEngine:
    """An engine whose answers are as long as their limit, for any value is free."""
    with one_thread():
        engine = TransformersEngine(tiny_model, constrained=True)
    free = {
        name: intent.model_copy(update={"extractive": False})
        for name, intent in engine.taxonomy.intents.items()
    }
    engine.taxonomy = Taxonomy(intents=free)
    return engine


@pytest.fixture
def slow(engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch) -> SlowDecoding:
    return SlowDecoding(engine, monkeypatch)


@pytest.fixture
def url(engine: TransformersEngine, slow: SlowDecoding) -> Iterator[str]:
    with _listening(engine, Limits(max_concurrent=3)) as address:
        yield address


def _leave(url: str, seconds: float = 0.3, **settings: Any) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}{CHAT}", json={**BODY, **settings}, timeout=seconds)


def test_generation_stops_when_its_client_leaves(url: str, slow: SlowDecoding) -> None:
    _leave(url)
    _wait_until(lambda: slow.running == 0, seconds=2.0)
    assert slow.begun == 1


def test_the_others_of_a_batch_are_answered_when_one_client_leaves(
    url: str, slow: SlowDecoding
) -> None:
    slow.pass_seconds = 0.02
    replies: list[httpx.Response] = []
    other = threading.Thread(
        target=lambda: replies.append(httpx.post(f"{url}{CHAT}", json=BODY, timeout=60))
    )
    other.start()
    _leave(url, 0.2)
    other.join()
    assert (replies[0].status_code, slow.begun) == (200, 2)


def test_a_later_request_is_answered_when_one_before_it_leaves(
    url: str, slow: SlowDecoding
) -> None:
    slow.pass_seconds = 0.05
    leaving = threading.Thread(target=_leave, args=(url, 0.5))
    leaving.start()
    _wait_until(lambda: slow.running == 1)
    reply = httpx.post(f"{url}{CHAT}", json=BODY, timeout=60)
    leaving.join()
    assert reply.status_code == 200


def test_instances_of_one_request_are_decoded_together(url: str, slow: SlowDecoding) -> None:
    slow.pass_seconds = 0.02
    most = 0
    body = {"instances": [f"put on Queen {number}" for number in range(8)]}
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(httpx.post, f"{url}{PREDICT}", json=body, timeout=60)
        while not reply.done():
            most = max(most, slow.running)
            time.sleep(0.005)
    assert (reply.result().status_code, most) == (200, 8)


def test_a_request_does_not_wait_for_the_end_of_those_before_it(
    url: str, slow: SlowDecoding
) -> None:
    slow.pass_seconds = 0.05
    with ThreadPoolExecutor(1) as pool:
        body = {"instances": ["put on Queen"] * 8}
        long = pool.submit(httpx.post, f"{url}{PREDICT}", json=body, timeout=60)
        _wait_until(lambda: slow.running > 0)
        short = httpx.post(f"{url}{CHAT}", json=BODY | {"max_completion_tokens": 1}, timeout=60)
        assert (short.status_code, long.done()) == (200, False)


def test_who_was_answered_or_left_is_forgotten_while_others_are_decoded(
    engine: TransformersEngine, slow: SlowDecoding
) -> None:
    slow.pass_seconds = 0.05
    backend = LocalBackend(engine, read_served_model(str(engine.folder)))
    messages: list[Message] = [{"role": "user", "content": "put on Queen"}]
    seen: list[weakref.ref[Any]] = []
    create = backend._generation

    def watched(asked: Sequence[Message], limit: int) -> Any:
        generation = create(asked, limit)
        seen.append(weakref.ref(generation))
        return generation

    async def ask() -> tuple[bool, int]:
        long = asyncio.create_task(backend.complete(messages, 64, "long"))
        while not slow.running:
            await asyncio.sleep(0.01)
        backend._generation = watched  # type: ignore[method-assign]
        await asyncio.gather(*(backend.complete(messages, 1, "short") for _ in range(10)))
        left = asyncio.create_task(backend.complete(messages, 64, "left"))
        while slow.running < 2:
            await asyncio.sleep(0.01)
        left.cancel()
        await asyncio.wait([left])
        while slow.running > 1:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        gc.collect()
        goes_on, kept = not long.done(), sum(one() is not None for one in seen)
        long.cancel()
        return goes_on, kept

    goes_on, kept = asyncio.run(ask())
    assert (goes_on, len(seen)) == (True, 11)
    assert kept <= 2  # the last one answered, in the loop's variable, and the task that left


def test_streamed_generation_stops_when_its_client_leaves(url: str, slow: SlowDecoding) -> None:
    with httpx.stream("POST", f"{url}{CHAT}", json=BODY | {"stream": True}) as reply:
        lines = reply.iter_lines()
        next(lines)
        _wait_until(lambda: slow.running == 1)
    _wait_until(lambda: slow.running == 0, seconds=2.0)


def test_work_that_waits_for_a_client_that_left_never_begins(
    url: str, slow: SlowDecoding, engine: TransformersEngine
) -> None:
    engine.batch_size = 1
    first = threading.Thread(target=_leave, args=(url, 2.0))
    first.start()
    _wait_until(lambda: slow.running == 1)
    _leave(url)
    _leave(url)
    first.join()
    _wait_until(lambda: slow.running == 0, seconds=2.0)
    assert slow.begun == 1


def test_more_requests_than_may_wait_get_the_time_to_retry(url: str, slow: SlowDecoding) -> None:
    waiting = [threading.Thread(target=_leave, args=(url, 2.0)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    _wait_until(lambda: slow.running > 0)
    time.sleep(0.3)
    reply = httpx.post(f"{url}{CHAT}", json=BODY)
    for thread in waiting:
        thread.join()
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "1")


def test_the_place_of_a_client_that_left_is_free_again(url: str, slow: SlowDecoding) -> None:
    for _ in range(4):
        _leave(url, 0.2)
    slow.pass_seconds = 0.0
    _wait_until(lambda: httpx.post(f"{url}{CHAT}", json=BODY, timeout=30).status_code == 200)


def test_an_answer_that_takes_too_long_is_504(
    engine: TransformersEngine, slow: SlowDecoding
) -> None:
    with _listening(engine, Limits(timeout_seconds=0.3)) as url:
        reply = httpx.post(f"{url}{CHAT}", json=BODY)
    assert (reply.status_code, reply.json()["error"]["code"]) == (504, 504)
    _wait_until(lambda: slow.running == 0, seconds=2.0)


def test_a_body_that_does_not_come_is_408(engine: TransformersEngine) -> None:
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
        b"content-type: application/json\r\ncontent-length: 10\r\n\r\n{"
    )
    with _listening(engine, Limits(body_seconds=0.3)) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(head)
            assert connection.recv(4096).startswith(b"HTTP/1.1 408")
