"""``kfp_api``: the KFP API as prism plays it, behind a recorder that tests can script."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from tests.real_parts.process import CACHE, free_port, program, running

_DESCRIPTION = Path(__file__).parents[1] / "data" / "kfp" / "api.json"
_HOP_BY_HOP = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding")


@dataclass(frozen=True)
class Request:
    """What a client sent; ``path`` decoded, its query with it."""

    method: str
    path: str
    authorization: str
    body: bytes

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class KfpApi:
    """A KFP API.

    The mock is stateless and answers every request that its description allows. ``script``
    answers in its place, for what needs a state or a fault: by method and path pattern, a list
    of ``(status, document)``, of which the last is repeated.
    """

    url: str
    requests: list[Request] = field(default_factory=list)
    script: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)

    def sent(self, method: str, pattern: str) -> list[Request]:
        """The requests like this."""
        return [r for r in self.requests if r.method == method and re.search(pattern, r.path)]

    def scripted(self, request: Request) -> tuple[int, Any] | None:
        """The next answer of the script for a request."""
        for (method, pattern), answers in self.script.items():
            if method == request.method and re.search(pattern, request.path):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return None


@pytest.fixture(scope="session")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The mock's URL, for the whole session."""
    prism_program = program(CACHE / "kfp-mock/node_modules/.bin/prism", "kfp-mock")
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [prism_program, "mock", "--errors", "-h", "127.0.0.1", "-p", port, _DESCRIPTION]
    log = tmp_path_factory.mktemp("prism") / "prism.log"

    def ready() -> bool:
        try:
            urllib.request.urlopen(f"{url}/apis/v2beta1/healthz", timeout=2)
        except urllib.error.HTTPError as error:
            return error.code == 401  # it is up, and demands the token
        except OSError:
            return False
        return True

    with running(command, log, ready):
        yield url


@pytest.fixture
def kfp_api(prism: str) -> Iterator[KfpApi]:
    """The mock with an empty record and an empty script."""
    api = KfpApi("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api, prism))
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield api
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def _handler(api: KfpApi, upstream: str) -> type[BaseHTTPRequestHandler]:
    class Recorder(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            token = self.headers.get("authorization", "")
            request = Request(self.command, unquote_plus(self.path), token, body)
            api.requests.append(request)
            scripted = api.scripted(request)
            if scripted is None:
                status, content = _forward(upstream + self.path, self.command, self.headers, body)
            else:
                status, content = scripted[0], json.dumps(scripted[1]).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: the record is what tests look at."""

    return Recorder


def _forward(url: str, method: str, headers: Any, body: bytes) -> tuple[int, bytes]:
    kept = {key: value for key, value in headers.items() if key.lower() not in _HOP_BY_HOP}
    request = urllib.request.Request(url, body or None, kept, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
