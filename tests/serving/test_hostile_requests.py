"""What an attacker sends to the running servers, and what is left of it."""

from __future__ import annotations

import json
import socket
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from intentflow.serving.http_protocol import MAX_HEAD_BYTES
from tests.serving.servers import UTTERANCE, Servers, client
from tests.serving.transformer.conftest import TOKEN

pytestmark = pytest.mark.real

CHAT, PREDICT, INFER, FEEDBACK = (
    "/v1/chat/completions",
    "/v1/models/intent:predict",
    "/v2/models/intent/infer",
    "/feedback",
)
OPENAI = [CHAT, "/openai/v1/chat/completions"]
JSON = {"content-type": "application/json"}
HALF = "x\ud800"
CORRECTION = {"utterance": "x", "output": "play_music()"}


def _chat(text: str, **settings: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **settings}


def _tensor(text: str, name: str = "utterance", **settings: str) -> dict[str, Any]:
    tensor = {"name": name, "datatype": "BYTES", "shape": [1], "data": [text]}
    return {"inputs": [tensor], **settings}


SURROGATES = {
    "message": (CHAT, _chat(HALF)),
    "part": (CHAT, {"messages": [{"role": "user", "content": [{"type": "text", "text": HALF}]}]}),
    "model": (CHAT, _chat("x", model=HALF)),
    "instance": (PREDICT, {"instances": [HALF]}),
    "utterance": (PREDICT, {"instances": [{"utterance": HALF}]}),
    "dialogue": (PREDICT, {"instances": [_chat(HALF)]}),
    "tensor": (INFER, _tensor(HALF)),
    "tensor of messages": (INFER, _tensor(json.dumps(_chat(HALF)["messages"]), "messages")),
    "id": (INFER, _tensor("x", id=HALF)),
    "correction": (FEEDBACK, CORRECTION | {"utterance": HALF}),
    "corrected dialogue": (FEEDBACK, _chat(HALF) | {"output": "play_music()"}),
    "output": (FEEDBACK, CORRECTION | {"output": f"play_music({HALF})"}),
    "escaped in the output": (FEEDBACK, CORRECTION | {"output": 'play_music("\\ud800")'}),
    "calls": (
        FEEDBACK,
        {"utterance": "x", "calls": [{"intent": "play_music", "parameters": [HALF]}]},
    ),
    "prediction": (FEEDBACK, CORRECTION | {"prediction": HALF}),
    "note": (FEEDBACK, CORRECTION | {"note": HALF}),
    "request_id": (FEEDBACK, CORRECTION | {"request_id": HALF}),
}


@pytest.mark.parametrize("kind", SURROGATES)
def test_half_of_a_surrogate_pair_is_400_and_nothing_is_stored(servers: Servers, kind: str) -> None:
    path, body = SURROGATES[kind]
    for url, kept in zip(servers.urls, servers.kept, strict=True):
        before = set((kept / "feedback").rglob("*.jsonl"))
        with client(url) as http:
            reply = http.post(path, content=json.dumps(body), headers=JSON)
        assert reply.status_code == 400
        assert set((kept / "feedback").rglob("*.jsonl")) == before


@pytest.mark.parametrize("path", [*OPENAI, PREDICT, INFER, FEEDBACK])
def test_what_is_too_large_is_refused_in_the_routes_own_form(servers: Servers, path: str) -> None:
    for url in servers.urls:
        with client(url) as http:
            reply = http.post(path, content=b" " * 1_000_001, headers=JSON)
        error = reply.json()["error"]
        expected = ("invalid_request_error", 413) if path in OPENAI else None
        assert reply.status_code == 413
        assert ((error["type"], error["code"]) if path in OPENAI else None) == expected
        assert isinstance(error["message"] if path in OPENAI else error, str)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (CHAT, {}, 400),
        (CHAT, _chat("x", model="other"), 404),
        (PREDICT, {"instances": [7]}, 400),
        (INFER, {"inputs": 7}, 400),
        (INFER, _tensor("x" * 20_001), 413),
        (FEEDBACK, CORRECTION | {"output": "none()"}, 422),
    ],
)
def test_a_refused_request_is_one_line_in_the_log(
    servers: Servers, path: str, body: object, status: int
) -> None:
    for url, log in zip(servers.urls, servers.logs, strict=True):
        request_id = uuid.uuid4().hex
        with client(url) as http:
            reply = http.post(path, json=body, headers={"x-request-id": request_id})
        assert reply.status_code == status
        written = _written_of(log, request_id)
        assert [line.endswith(f"HTTP {status}") for line in written] == [True], written


def _written_of(log: Path, request_id: str) -> list[str]:
    """The lines of a request: its reply may come before them."""
    deadline = time.monotonic() + 10
    while not (found := [it for it in log.read_text().splitlines() if request_id in it]):
        if time.monotonic() > deadline:
            return []
        time.sleep(0.02)
    return found


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"x-long: " + b"x" * MAX_HEAD_BYTES + b"\r\n", 431),
        (b"x: y\r\n" * 200, 431),
        (b"content-length: 5\r\ncontent-length: 6\r\n", 400),
        (b"transfer-encoding: chunked\r\ncontent-length: 6\r\n", 400),
        (b"x\x00y: z\r\n", 400),
    ],
    ids=["a long header", "many headers", "two lengths", "two framings", "a NUL in a name"],
)
def test_a_hostile_head_is_refused_before_the_token_is_read(
    servers: Servers, head: bytes, status: int
) -> None:
    for url in servers.urls:
        where = urlsplit(url)
        with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
            connection.sendall(b"POST /feedback HTTP/1.1\r\nhost: x\r\n" + head + b"\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 %d" % status)


def test_the_queue_of_a_client_that_sends_many_is_its_own(servers: Servers) -> None:
    """64 instances of one request and another request at the same time are both answered."""
    for url in servers.urls:
        with client(url) as http:
            reply = http.post(PREDICT, json={"instances": [UTTERANCE] * 64})
        assert reply.status_code == 200, f"{url}: {reply.text}"
        texts = {one["text"] for one in reply.json()["predictions"]}
        assert (len(reply.json()["predictions"]), texts) == (64, {servers.answer})


def test_a_token_is_in_no_log(servers: Servers) -> None:
    for url, log in zip(servers.urls, servers.logs, strict=True):
        with client(url) as http:
            http.get("/nowhere", params={"access_token": TOKEN})
        assert TOKEN not in log.read_text()
