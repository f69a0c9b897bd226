"""A process that plays vLLM, for faults that a real one cannot be brought to."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from typing import Any, ClassVar

ANSWER = "weather_search(Hangzhou)"
PIECES = [("weather", -0.1), ("_search(", -0.2), ("Hangzhou", -3.0), (")", 0.0), ("", 0.0)]
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


class PlayedVllm(BaseHTTPRequestHandler):
    """Answers chat completions; what the user says decides how."""

    protocol_version = "HTTP/1.1"
    answer = ANSWER
    pause_seconds = 0.0
    tokens: ClassVar[list[tuple[str, float]]] = PIECES
    asked: ClassVar[dict[str, Any]] = {}
    served = ""
    count = 0

    def do_GET(self) -> None:
        """Health; ``/asked`` is the last request, for tests to look at."""
        self._reply(200, PlayedVllm.asked if self.path == "/asked" else {"status": "ok"})

    def do_POST(self) -> None:
        """A chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        PlayedVllm.asked = body
        utterance = body["messages"][-1]["content"]
        self.count += 1  # of this connection
        time.sleep(self.pause_seconds)
        is_other = self.served not in ("", body["model"])
        if is_other or utterance == "gone" or (utterance == "moved" and self.count > 1):
            self._reply(404, {"error": {"message": "The model does not exist", "code": 404}})
            return
        if utterance == "slow":
            time.sleep(3)
        if utterance == "garbage":
            self._reply(200, {"of": "another shape"})
        elif utterance == "broken":
            self._reply(500, {"error": "Traceback: secret of another request"})
        elif utterance == "outside" and not body.get("stream"):
            self._reply(200, completion("rm_rf(/)", PIECES))
        elif utterance == "too long":
            self._reply(400, {"error": {"message": "maximum context length is 64"}})
        elif utterance == "too sure":
            self._reply(200, completion(ANSWER, [(ANSWER, 0.5)]))
        elif utterance == "huge" and not body.get("stream"):
            self._reply(200, completion("x" * 2_000_000, PIECES))
        elif utterance in REPLIES and not body.get("stream"):
            self._reply(200, REPLIES[utterance])
        elif utterance in RAW_STREAMS:
            self._stream_bytes(RAW_STREAMS[utterance]())
        elif utterance in STREAMS:
            self._stream(STREAMS[utterance])
        elif body.get("stream"):
            self._stream(events("rm_rf(/)" if utterance == "outside" else self.answer))
        else:
            self._reply(200, completion(self.answer, self.tokens))

    def _stream(self, documents: list[Any]) -> None:
        self._begin_stream()
        for document in documents:
            self.wfile.write(f"data: {_text(document)}\n\n".encode())
            time.sleep(self.pause_seconds)
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()

    def _stream_bytes(self, chunks: Iterable[bytes]) -> None:
        """Send until all is sent or the other side has left."""
        self._begin_stream()
        self.close_connection = True
        with contextlib.suppress(OSError):
            for chunk in chunks:
                self.wfile.write(chunk)

    def _reply(self, status: int, document: Any) -> None:
        content = _text(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Be silent."""


def _text(document: Any) -> str:
    """A document as JSON; a text is sent as it stands."""
    return document if isinstance(document, str) else json.dumps(document)


def completion(text: str, pieces: list[tuple[str, float]]) -> dict[str, Any]:
    """A reply in one piece."""
    tokens = [{"token": piece, "logprob": log, "bytes": None} for piece, log in pieces]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
        "logprobs": {"content": tokens},
    }
    return {"id": "1", "object": "chat.completion", "choices": [choice], "usage": USAGE}


def events(text: str, size: int = 5) -> list[dict[str, Any]]:
    """The events of a streamed reply, with so many characters each."""
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    choices = [{"index": 0, "delta": {"content": piece}} for piece in pieces]
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return [*({"choices": [one]} for one in [*choices, end]), {"choices": [], "usage": USAGE}]


def _ranked() -> dict[str, Any]:
    """A reply whose first place lists three intents; the text of each is one token."""
    shares = {"weather_search(": 0.7, "play_music(": 0.2, "oos()": 0.1}
    likely = [(text, math.log(share)) for text, share in shares.items()]
    reply = completion(ANSWER, [likely[0], ("Hangzhou)", -1.0)])
    tokens = reply["choices"][0]["logprobs"]["content"]
    tokens[0]["top_logprobs"] = [{"token": text, "logprob": log} for text, log in likely]
    return reply


def _counted(tokens: float) -> dict[str, Any]:
    return completion(ANSWER, PIECES) | {"usage": {"prompt_tokens": tokens}}


INF = math.inf
NESTED = "[" * 5000 + "]" * 5000
REPLIES: dict[str, Any] = {
    "half a character": completion("\ud800()", PIECES),
    "counted without end": _counted(INF),
    "nested without end": NESTED,
    "counted below 0": _counted(-1),
    "sure beyond numbers": completion(ANSWER, [(ANSWER, -(10**400))]),
    "surely nothing": completion(ANSWER, [(ANSWER, -INF)]),
    "ranked": _ranked(),
}
STREAMS: dict[str, list[Any]] = {
    "breaks off": events(ANSWER)[:2],
    "huge": events("x" * 2_000_000, size=5000),
    "fails": [*events(ANSWER)[:2], {"error": {"message": "secret of another request"}}],
    "garbage in pieces": [*events(ANSWER)[:2], ["of another shape"]],
    "a path": events("Error: no such file: /srv/secret/model.safetensors"),
    "a path behind a call": events(f"{ANSWER}; cannot open /srv/secret"),
    "more fields": [
        event | {"trace": "/srv/secret"}
        for event in [
            {"choices": [{"index": 0, "delta": {"content": ANSWER, "reasoning": "secret"}}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "secret": 1}]},
        ]
    ],
    "half a character": events("\ud800()"),
    "nested without end": [*events(ANSWER)[:2], NESTED],
    "counted without end": [*events(ANSWER)[:2], {"choices": [], "usage": {"prompt_tokens": INF}}],
}


def _endless(more: str, pause_seconds: float) -> Iterator[bytes]:
    """An answer inside the taxonomy that goes on."""
    for text in chain(["weather_search("], repeat(more)):
        event = {"choices": [{"index": 0, "delta": {"content": text}}]}
        yield b"data: " + json.dumps(event).encode() + b"\n\n"
        time.sleep(pause_seconds)


RAW_STREAMS: dict[str, Callable[[], Iterable[bytes]]] = {
    "endless": partial(_endless, "a" * 1000, 0.0),
    "endless and slow": partial(_endless, "a", 0.1),
    "endless comments": lambda: repeat(b": still here\n\n"),
    "an endless line": lambda: chain([b"data: "], repeat(b"x" * 1000)),
    "no JSON": lambda: [b"data: Traceback in /srv/secret.py\n\n"],
    "no text": lambda: [b"data: \xff\xfe\n\n"],
    "no events": lambda: [b"<html>secret</html>\n"],
    "an early end": lambda: [b"data: [DONE]\n\n"],
}


if __name__ == "__main__":
    port, *answer = sys.argv[1:]
    if answer:
        PlayedVllm.answer = answer[0]
    if len(answer) > 1:  # the answer's confidence
        PlayedVllm.tokens = [(answer[0], math.log(float(answer[1])))]
    if len(answer) > 2:  # seconds before it, and between its pieces
        PlayedVllm.pause_seconds = float(answer[2])
    if len(answer) > 3:  # the one model that it knows
        PlayedVllm.served = answer[3]
    ThreadingHTTPServer(("127.0.0.1", int(port)), PlayedVllm).serve_forever()
