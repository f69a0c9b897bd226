"""Clients that leave: their work ends, and those who wait behind them are answered."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from intentflow.inference.engines import Completion
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.serving.app import create_app
from intentflow.serving.limits import Limits
from intentflow.serving.local_backend import LocalBackend
from intentflow.serving.model_files import read_served_model
from intentflow.serving.request_log import RequestLog
from intentflow.serving.service import Service
from intentflow.serving.tokens import Keys
from tests.models import one_thread
from tests.real_parts.process import free_port

CHAT = "/v1/chat/completions"
BODY = {"messages": [{"role": "user", "content": "put on Queen"}]}
SECONDS = 10.0


class SlowGeneration:
    """In place of an engine's: a token every 20 ms for ten seconds.

    Attributes:
        begun: How many generations were begun.
        running: How many are under way.
    """

    def __init__(self) -> None:
        self.begun = 0
        self.running = 0

    def __call__(self, *arguments: Any) -> Completion:
        tokens = arguments[-1]
        self.begun += 1
        self.running += 1
        try:
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline:
                time.sleep(0.02)
                tokens.put(None)
            return Completion("play_music()", 9, 2, True)
        finally:
            self.running -= 1


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


def _wait_until(condition: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def engine(tiny_model: Path) -> TransformersEngine:
    with one_thread():
        return TransformersEngine(tiny_model, constrained=True)


@pytest.fixture
def slow(engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch) -> SlowGeneration:
    generation = SlowGeneration()
    monkeypatch.setattr(engine, "complete", generation)
    return generation


@pytest.fixture
def url(engine: TransformersEngine, slow: SlowGeneration) -> Iterator[str]:
    with _listening(engine, Limits(max_concurrent=3)) as address:
        yield address


def _leave(url: str, seconds: float = 0.3, **settings: Any) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}{CHAT}", json={**BODY, **settings}, timeout=seconds)


def test_generation_stops_when_its_client_leaves(url: str, slow: SlowGeneration) -> None:
    _leave(url)
    _wait_until(lambda: slow.running == 0, seconds=2.0)
    assert slow.begun == 1


def test_streamed_generation_stops_when_its_client_leaves(url: str, slow: SlowGeneration) -> None:
    with httpx.stream("POST", f"{url}{CHAT}", json=BODY | {"stream": True}) as reply:
        next(reply.iter_lines())
        _wait_until(lambda: slow.running == 1)
    _wait_until(lambda: slow.running == 0, seconds=2.0)


def test_work_that_waits_for_a_client_that_left_never_begins(
    url: str, slow: SlowGeneration
) -> None:
    first = threading.Thread(target=_leave, args=(url, 2.0))
    first.start()
    _wait_until(lambda: slow.running == 1)
    _leave(url)
    _leave(url)
    first.join()
    _wait_until(lambda: slow.running == 0, seconds=2.0)
    assert slow.begun == 1


def test_more_requests_than_may_wait_get_the_time_to_retry(url: str, slow: SlowGeneration) -> None:
    waiting = [threading.Thread(target=_leave, args=(url, 2.0)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    _wait_until(lambda: slow.running == 1)
    time.sleep(0.3)
    reply = httpx.post(f"{url}{CHAT}", json=BODY)
    for thread in waiting:
        thread.join()
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "1")


def test_the_place_of_a_client_that_left_is_free_again(
    url: str, slow: SlowGeneration, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        _leave(url, 0.2)
    monkeypatch.setitem(globals(), "SECONDS", 0.1)
    assert httpx.post(f"{url}{CHAT}", json=BODY, timeout=5).status_code == 200


def test_an_answer_that_takes_too_long_is_504(
    engine: TransformersEngine, slow: SlowGeneration
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
