"""What is refused before a request's body is read, by raw bytes on a socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI, Request

from intentflow.serving import http_protocol
from intentflow.serving.http_protocol import MAX_HEAD_BYTES, MAX_HEADERS, LimitedProtocol
from tests.real_parts.process import free_port

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(http_protocol, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(http_protocol, "MAX_CONNECTIONS", 3)
    app = FastAPI()

    @app.api_route("/", methods=["GET", "POST"])
    async def size(request: Request) -> int:
        return len(await request.body())

    chosen = free_port()
    config = uvicorn.Config(app, port=chosen, http=LimitedProtocol, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield chosen
    server.should_exit = True
    thread.join(timeout=10)


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def _reply(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection, or is silent."""
    received = b""
    connection.settimeout(2)
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except (TimeoutError, ConnectionError):
        pass
    return received


def _ask(port: int, *parts: bytes) -> bytes:
    with _connect(port) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except ConnectionError:
            pass
        return _reply(connection)


def test_requests_within_the_limits_are_answered(port: int) -> None:
    headers = b"".join(b"h%d: x\r\n" % number for number in range(MAX_HEADERS - 2))
    reply = _ask(port, REQUEST + headers + b"connection: close\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200")


def test_a_large_body_behind_a_small_head_is_read(port: int) -> None:
    body = b"x" * (4 * MAX_HEAD_BYTES)
    head = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    reply = _ask(port, head % len(body) + body)
    assert reply.endswith(b"%d" % len(body))


def test_requests_of_one_connection_are_measured_one_by_one(port: int) -> None:
    padding = b"h: " + b"x" * (MAX_HEAD_BYTES // 2) + b"\r\n\r\n"
    with _connect(port) as connection:
        for _ in range(4):
            connection.sendall(REQUEST + padding)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        REQUEST + b"h: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
        REQUEST + b"h: x\r\n" * (MAX_HEADERS + 1) + b"\r\n",
        b"GET /" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["one long header", "many headers", "a long address"],
)
def test_a_head_that_is_too_large_is_431(port: int, head: bytes) -> None:
    assert _ask(port, head).startswith(b"HTTP/1.1 431")


def test_a_header_without_end_is_431(port: int) -> None:
    assert _ask(port, REQUEST + b"h: ", *[b"x" * 1000] * 100).startswith(b"HTTP/1.1 431")


def test_a_head_that_comes_too_slowly_is_408(port: int) -> None:
    started = time.monotonic()
    assert _ask(port, REQUEST).startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started < 2


def test_a_head_that_drips_is_408(port: int) -> None:
    with _connect(port) as connection:
        connection.sendall(REQUEST)
        for _ in range(4):
            time.sleep(0.1)
            connection.sendall(b"h: x\r\n")
        assert _reply(connection).startswith(b"HTTP/1.1 408")


def test_a_connection_that_stays_silent_is_ended(port: int) -> None:
    assert _ask(port).startswith(b"HTTP/1.1 408")


def test_more_connections_than_allowed_are_closed(port: int) -> None:
    kept = [_connect(port) for _ in range(3)]
    assert _ask(port) == b""
    for connection in kept:
        connection.close()


def test_what_is_not_http_is_400(port: int) -> None:
    assert _ask(port, b"\x00\x01\x02\r\n\r\n").startswith(b"HTTP/1.1 400")
