"""A teacher for tests: a real HTTP server on this computer that records what it gets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], str]

LABELS: dict[str, str] = {}


class TeacherServer:
    """What the server answers, and what it got.

    Attributes:
        write: The answer to a request for new utterances, from the parsed content.
        label: The label that the second look gives an utterance.
        faults: Raw replies that come before any answer, in order: status, headers, body; or a
            function that gets the handler and writes what it likes.
        asked: The contents of the requests for utterances; ``labelled`` likewise.
        bodies: All request bodies as they came.
        keys: The Authorization headers.
    """

    def __init__(self) -> None:
        self.write: Answer = write_phrasings
        self.label: Callable[[str], str] = LABELS.__getitem__
        self.faults: list[Any] = []
        self.refuses: Callable[[dict[str, Any]], bool] = lambda _: False
        self.usage: dict[str, int] | None = {"total_tokens": 100}
        self.delay_seconds: Callable[[dict[str, Any]], float] = lambda _: 0.0
        self.asked: list[dict[str, Any]] = []
        self.labelled: list[dict[str, Any]] = []
        self.bodies: list[str] = []
        self.keys: set[str | None] = set()
        self.url = ""
        self.lock = threading.Lock()

    def answer(self, body: dict[str, Any]) -> str:
        """The text of a well-formed reply."""
        content = json.loads(body["messages"][-1]["content"])
        time.sleep(self.delay_seconds(content))
        with self.lock:
            if "utterances" in content:
                self.labelled.append(content)
                labels = [
                    {
                        "number": u["number"],
                        "reasoning": "…",
                        "output": self.label(u["instruction"]),
                    }
                    for u in content["utterances"]
                ]
                return json.dumps({"labels": labels})
            self.asked.append(content)
            return self.write(content)


WORDS = [
    *("amber", "basil", "cedar", "dune", "ember", "fjord", "grove"),
    *("heath", "iris", "jade", "kelp", "lotus", "maple", "north"),
]


def write_phrasings(content: dict[str, Any]) -> str:
    """As many good rows as were asked for: unlike each other and those of other requests."""
    intent, number = content["asked"][0], content["request"]
    rows = []
    for i in range(content["count"]):
        one, two = WORDS[(7 * number + 3 * i) % 14], WORDS[(5 * number + i) % 13]
        text = f"{one} {intent} {two} {number} {i * 31 + number * 17}"
        rows.append({"instruction": text, "output": f"{intent}({two})"})
        LABELS[text] = f"{intent}( {two} )"
    return json.dumps({"reasoning": "people are brief", "utterances": rows})


def completion(text: Any, usage: dict[str, int] | None = None) -> dict[str, Any]:
    """A reply in the shape of the API."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    reply = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
    return {**reply, "choices": [choice], "usage": usage}


@contextmanager
def serve_teacher() -> Iterator[TeacherServer]:
    """A started server."""
    state = TeacherServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            with state.lock:
                state.bodies.append(raw)
                state.keys.add(self.headers.get("Authorization"))
                fault = state.faults.pop(0) if state.faults else None
            body = json.loads(raw)
            if callable(fault):
                fault(self)
            elif fault is not None:
                self.reply(*fault)
            elif state.refuses(body):
                self.reply(400, {}, b'{"error": {"message": "unknown response_format"}}')
            else:
                document = completion(state.answer(body), state.usage)
                self.reply(200, {}, json.dumps(document).encode())

        def reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            kind = {"Content-Type": "application/json", "Content-Length": str(len(content))}
            for name, value in {**kind, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):
                return  # a client that hung up

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield state
    server.shutdown()
    server.server_close()
