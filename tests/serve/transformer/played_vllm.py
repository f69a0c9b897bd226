"""A process that plays vLLM, for faults that a real one cannot be brought to."""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "weather_search(Hangzhou)"
PIECES = [("weather", -0.1), ("_search(", -0.2), ("Hangzhou", -3.0), (")", 0.0), ("", 0.0)]


class PlayedVllm(BaseHTTPRequestHandler):
    """Answers chat completions; what the user says decides how."""

    protocol_version = "HTTP/1.1"
    answer = ANSWER

    def do_GET(self) -> None:
        """Health."""
        self._reply(200, {"status": "ok"})

    def do_POST(self) -> None:
        """A chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = body["messages"][-1]["content"]
        if said == "slow":
            time.sleep(3)
        if said == "garbage":
            self._reply(200, {"of": "another shape"})
        elif said == "broken":
            self._reply(500, {"error": "Traceback: secret of another request"})
        elif said == "outside":
            self._reply(200, completion("rm_rf(/)", body))
        elif said == "too long":
            self._reply(400, {"error": {"message": "maximum context length is 64"}})
        else:
            self._reply(200, completion(self.answer, body))

    def _reply(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Be silent."""


def completion(text: str, body: dict[str, Any]) -> dict[str, Any]:
    """A reply; ``asked`` is what the request was, for tests to look at."""
    tokens = [{"token": piece, "logprob": log, "bytes": None} for piece, log in PIECES]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
        "logprobs": {"content": tokens},
    }
    return {"id": "1", "object": "chat.completion", "choices": [choice], "asked": body}


if __name__ == "__main__":
    PlayedVllm.answer = sys.argv[2] if len(sys.argv) > 2 else ANSWER
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), PlayedVllm).serve_forever()
