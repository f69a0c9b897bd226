"""Endpoints: answers of a good one, one readable line from a bad one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.evaluate.openai_engine import OpenAIEngine
from intentflow.evaluate.run import evaluate_model
from intentflow.records import Example, write_records
from tests.models import TAXONOMY

MODELS = {"object": "list", "data": [{"id": "intents", "object": "model", "created": 0}]}
EXAMPLES = [Example(f"play {n}", f"play_music({n})") for n in range(20)]


def _completion(text: str | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}


class Endpoint:
    """An HTTP server whose replies a test sets: a JSON document, bytes, or what a request gives.

    ``asked`` holds the bodies of the chat requests, ``keys`` the Authorization headers.
    """

    def __init__(self) -> None:
        self.status = 200
        self.models: Any = MODELS
        self.chat: Any = lambda body: _completion(_echo(body))
        self.asked: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.url = ""

    def reply(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the reply."""
        content = self.models
        if path.endswith("/chat/completions"):
            self.asked.append(json.loads(body))
            content = self.chat(self.asked[-1]) if isinstance(self.chat, Callable) else self.chat
        status, content = content if isinstance(content, tuple) else (self.status, content)
        return status, content if isinstance(content, bytes) else json.dumps(content).encode()


def _echo(body: dict[str, Any]) -> str:
    """The right answer to an utterance of ``EXAMPLES``."""
    return f"play_music({body['messages'][-1]['content'].removeprefix('play ')})"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    # Retries wait up to seconds; the waiting is the client library's own matter.
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *_: 0.0)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    state = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.keys.add(self.headers.get("Authorization"))
            status, content = state.reply(self.path, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
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


def test_answers_come_in_the_order_of_the_utterances(endpoint: Endpoint) -> None:
    answers = OpenAIEngine(endpoint.url).answer([example.instruction for example in EXAMPLES])
    assert [answer.text for answer in answers] == [example.output for example in EXAMPLES]


def test_a_right_endpoint_scores_1(endpoint: Endpoint) -> None:
    metrics = evaluate_model(endpoint.url, EXAMPLES, taxonomy=TAXONOMY).metrics
    assert (metrics["parameter_accuracy"], metrics["off_taxonomy_rate"]) == (1.0, 0.0)


def test_what_answered_is_recorded(endpoint: Endpoint) -> None:
    metrics = evaluate_model(endpoint.url, EXAMPLES).metrics
    assert (metrics["engine"], metrics["constrained"]) == ("openai", False)
    assert metrics["latency_seconds"]["p50"] > 0


def test_a_json_endpoint_is_read_as_json(endpoint: Endpoint) -> None:
    answer = '[{"intent": "play_music", "parameters": ["0"]}]'
    endpoint.chat = _completion(answer)
    metrics = evaluate_model(endpoint.url, EXAMPLES[:1], output_format="json").metrics
    assert metrics["parameter_accuracy"] == 1.0


def test_the_bare_utterance_is_sent_and_asked_greedily(endpoint: Endpoint) -> None:
    OpenAIEngine(endpoint.url).answer(["play 1"])
    request = endpoint.asked[0]
    assert request["messages"] == [{"role": "user", "content": "play 1"}]
    assert (request["model"], request["temperature"]) == ("intents", 0)


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_the_address_is_taken_with_and_without_its_version(endpoint: Endpoint, end: str) -> None:
    assert OpenAIEngine(endpoint.url + end).model == "intents"


def test_the_key_comes_from_the_environment(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    OpenAIEngine(endpoint.url)
    assert endpoint.keys == {"Bearer sesame"}


def test_an_empty_answer_is_malformed(endpoint: Endpoint) -> None:
    endpoint.chat = _completion(None)
    assert evaluate_model(endpoint.url, EXAMPLES[:2]).metrics["malformed_rate"] == 1.0


def test_an_overloaded_endpoint_is_asked_again(endpoint: Endpoint) -> None:
    def once_busy(body: dict[str, Any]) -> Any:
        return (503, {}) if len(endpoint.asked) == 1 else _completion(_echo(body))

    endpoint.chat = once_busy
    assert OpenAIEngine(endpoint.url).answer(["play 3"])[0].text == "play_music(3)"


def _set(**changes: Any) -> Callable[[Endpoint], None]:
    return lambda endpoint: endpoint.__dict__.update(changes)


FAULTS: dict[str, tuple[Callable[[Endpoint], None], str]] = {
    "no key": (_set(models=(401, {})), "refused the key (HTTP 401): set OPENAI_API_KEY"),
    "key for models only": (_set(chat=(403, {})), "refused the key (HTTP 403)"),
    "not the API": (_set(models=(404, b"<h1>Not Found</h1>")), "HTTP 404"),
    "a web page": (_set(models=b"<html>hello</html>"), "does not answer as an OpenAI endpoint"),
    "another JSON": (_set(models=[1, 2]), "does not answer as an OpenAI endpoint"),
    "no list": (_set(models={"models": ["a"]}), "does not answer as an OpenAI endpoint"),
    "nothing served": (_set(models={"object": "list", "data": []}), "serves no model"),
    "broken": (_set(chat=(500, b"oh\nno")), "HTTP 500"),
    "chat is a web page": (_set(chat=b"<html>hello</html>"), "does not answer as"),
    "no choices": (_set(chat={**_completion("a"), "choices": []}), "does not answer as"),
    "choices of none": (_set(chat={**_completion("a"), "choices": None}), "does not answer as"),
    "no message": (_set(chat={"choices": [{"index": 0}]}), "does not answer as"),
}


def _evaluate(url: str, folder: Path) -> int:
    write_records(folder / "data.jsonl", EXAMPLES[:3])
    data, output = str(folder / "data.jsonl"), str(folder / "metrics.json")
    return main(["evaluate", "--model", url, "--data", data, "-o", output])


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_bad_endpoint_is_one_readable_line(
    fault: str, endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, message = FAULTS[fault]
    change(endpoint)
    assert _evaluate(endpoint.url, tmp_path) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"intentflow evaluate: error: {endpoint.url}/v1 ")
    assert message in line
    assert not (tmp_path / "metrics.json").exists()


def test_an_endpoint_that_is_down_is_one_readable_line(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _evaluate("http://127.0.0.1:9", tmp_path) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("intentflow evaluate: error: http://127.0.0.1:9/v1 does not answer")


def test_an_endpoint_cannot_be_constrained_from_here(endpoint: Endpoint) -> None:
    with pytest.raises(IntentflowError, match="an endpoint decides itself"):
        evaluate_model(endpoint.url, EXAMPLES, constrained=True)


@pytest.mark.parametrize(
    ("engine", "model", "message"),
    [
        ("openai", "folder", "--engine openai needs the URL of an endpoint, not folder"),
        ("transformers", "http://x", "--engine transformers needs a model directory"),
    ],
)
def test_an_engine_that_does_not_go_with_the_model_is_refused(
    engine: str, model: str, message: str
) -> None:
    with pytest.raises(IntentflowError, match=message):
        evaluate_model(model, EXAMPLES, engine=engine)
