"""An HTTP server that plays an OpenAI endpoint, good or bad, as a test sets it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from intentflow.records import Example

MODELS = {"object": "list", "data": [{"id": "intents", "object": "model", "created": 0}]}
EXAMPLES = [Example(f"play {n}", f"play_music({n})") for n in range(20)]


def completion(text: str | None, **changes: Any) -> dict[str, Any]:
    """A reply; ``finish_reason`` and ``logprobs`` go into its choice, all else next to them."""
    message = {"role": "assistant", "content": text}
    inside = {key: changes.pop(key) for key in ("finish_reason", "logprobs") if key in changes}
    choice = {"index": 0, "finish_reason": "stop", "message": message, **inside}
    complete = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
    return {**complete, "choices": [choice], **changes}


def utterance_of(body: dict[str, Any]) -> str:
    """The utterance of a request."""
    return str(body["messages"][-1]["content"])


def echo(body: dict[str, Any]) -> str:
    """The right answer to an utterance of ``EXAMPLES``."""
    return f"play_music({utterance_of(body).removeprefix('play ')})"


class Endpoint:
    """What the server replies: a JSON document, bytes, or what a request gives.

    A tuple is a status, a document and headers. ``asked`` holds the bodies of the chat requests,
    ``keys`` the Authorization headers, ``most_at_once`` the requests that were answered together.
    """

    def __init__(self) -> None:
        self.models: Any = MODELS
        self.chat: Any = lambda body: completion(echo(body))
        self.asked: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.unlisted: set[str] = set()
        self.url = ""
        self.delay_seconds = 0.0
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    @property
    def utterances(self) -> list[str]:
        """What was asked, in order."""
        return [utterance_of(body) for body in self.asked]

    def reply(self, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of the reply."""
        content = self.models
        name = path.partition("/models/")[2]
        if name:
            content = {"id": name} if name in self.unlisted else (404, {}, {})
        if path.endswith("/chat/completions"):
            with self._lock:
                self.asked.append(json.loads(body))
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                time.sleep(self.delay_seconds)
                request = json.loads(body)
                content = self.chat(request) if isinstance(self.chat, Callable) else self.chat
            finally:
                with self._lock:
                    self._at_once -= 1
        status, content, headers = content if isinstance(content, tuple) else (200, content, {})
        octets = content if isinstance(content, bytes) else json.dumps(content).encode()
        return status, octets, headers


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """A server on loopback; retries do not wait."""
    monkeypatch.setattr("intentflow.openai_api.retries.FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    state = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.keys.add(self.headers.get("Authorization"))
            status, content, headers = state.reply(self.path, body)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
