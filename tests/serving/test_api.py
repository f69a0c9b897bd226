"""The OpenAI chat API over the engine that evaluation uses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from intentflow.inference.dialogues import Dialogue
from intentflow.inference.engines import MAX_NEW_TOKENS
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.prompts import prompt_token_ids
from intentflow.serving.app import create_app
from intentflow.serving.limits import Limits
from intentflow.serving.local_backend import LocalBackend
from intentflow.serving.model_files import read_served_model
from intentflow.serving.request_log import RequestLog
from intentflow.serving.service import Service
from intentflow.serving.tokens import Keys
from tests.models import one_thread

UTTERANCE = "put on Queen"
OTHER_SYSTEM = {"role": "system", "content": "You are a pirate."}
USER = {"role": "user", "content": UTTERANCE}
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[TransformersEngine]:
    with one_thread():
        yield TransformersEngine(tiny_model, constrained=True)


def _client(engine: TransformersEngine, key: str | None = None) -> TestClient:
    model = read_served_model(str(engine.folder), constrained=engine.constrained)
    log = RequestLog(None, 1.0, model)
    service = Service("intent", model, LocalBackend(engine, model), log, Limits())
    return TestClient(create_app(service, Keys(None, key)), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(engine: TransformersEngine) -> TestClient:
    return _client(engine)


@pytest.fixture(scope="module")
def evaluated(engine: TransformersEngine) -> str:
    return engine.answer([UTTERANCE])[0].text


def _ask(client: TestClient, *messages: dict[str, Any], **settings: Any) -> dict[str, Any]:
    reply = client.post(CHAT, json={"model": "intent", "messages": list(messages), **settings})
    assert reply.status_code == 200, reply.text
    document: dict[str, Any] = reply.json()
    return document


def _text(reply: dict[str, Any]) -> str:
    return str(reply["choices"][0]["message"]["content"])


def _events(client: TestClient, **settings: Any) -> list[dict[str, Any]]:
    body = {"messages": [USER], "stream": True, **settings}
    with client.stream("POST", CHAT, json=body) as reply:
        lines = [line.removeprefix("data: ") for line in reply.iter_lines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def _error(reply: Any) -> str:
    document = reply.json()["error"]
    assert document["code"] == reply.status_code
    return str(document["message"])


def test_it_lists_the_served_model(client: TestClient) -> None:
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["intent"]


def test_a_bare_user_message_gets_the_evaluated_answer(client: TestClient, evaluated: str) -> None:
    assert _text(_ask(client, USER)) == evaluated


def test_a_client_with_another_system_text_gets_the_evaluated_answer(
    client: TestClient, evaluated: str
) -> None:
    assert _text(_ask(client, OTHER_SYSTEM, USER)) == evaluated


def test_content_parts_get_the_evaluated_answer(client: TestClient, evaluated: str) -> None:
    parts = [{"type": "text", "text": "put on "}, {"type": "text", "text": "Queen"}]
    assert _text(_ask(client, {"role": "user", "content": parts})) == evaluated


@pytest.mark.parametrize("settings", [{"temperature": 2.0, "top_p": 0.1, "seed": 7}, {}])
def test_it_is_greedy_whatever_is_asked(
    settings: dict[str, Any], client: TestClient, evaluated: str
) -> None:
    assert {_text(_ask(client, USER, **settings)) for _ in range(2)} == {evaluated}


def test_a_stream_says_what_the_complete_answer_says(client: TestClient, evaluated: str) -> None:
    deltas = [event["choices"][0]["delta"] for event in _events(client)]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content") or "" for delta in deltas).strip() == evaluated


def test_every_chunk_has_text_for_the_documented_client_to_print(client: TestClient) -> None:
    deltas = [event["choices"][0]["delta"] for event in _events(client)]
    assert all(isinstance(delta["content"], str) for delta in deltas)


@pytest.mark.parametrize("key", ["max_completion_tokens", "max_tokens"])
def test_an_answer_cut_off_reports_it(key: str, client: TestClient) -> None:
    reply = _ask(client, USER, **{key: 3})
    assert reply["usage"]["completion_tokens"] == 3
    assert reply["choices"][0]["finish_reason"] == "length"


def test_a_stream_cut_off_reports_it(client: TestClient) -> None:
    events = _events(client, max_completion_tokens=3)
    assert events[-1]["choices"][0]["finish_reason"] == "length"


def test_more_tokens_than_the_model_has_are_cut_to_its_context(client: TestClient) -> None:
    usage = _ask(client, USER, max_completion_tokens=1_000_000)["usage"]
    assert usage["total_tokens"] <= 1024


def test_without_a_limit_an_answer_has_the_tokens_of_evaluation(client: TestClient) -> None:
    assert _ask(client, USER)["usage"]["completion_tokens"] <= MAX_NEW_TOKENS


def test_an_answer_that_ends_says_stop(tiny_model: Path, client: TestClient) -> None:
    engine = TransformersEngine(tiny_model, constrained=True)
    full = engine.complete([USER], 3)
    done = type(full)("play_music()", 9, 2, True)
    engine.complete_all = lambda dialogues, _: ((one, done) for one in dialogues)  # type: ignore[method-assign]
    ended = _client(engine)
    assert _ask(ended, USER)["choices"][0]["finish_reason"] == "stop"


def test_an_unknown_model_is_named(client: TestClient) -> None:
    reply = client.post(CHAT, json={"model": "gpt", "messages": [USER]})
    assert reply.status_code == 404
    assert "the model gpt does not exist; there is intent" in _error(reply)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "JSON"),
        ("[]", ""),
        ("{}", "messages: Field required"),
        ('{"messages": []}', "messages"),
        ('{"messages": [{"role": "system", "content": "x"}]}', "there is no user message"),
        ('{"messages": [{"role": "user"}]}', "content is missing"),
        ('{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', "messages.0"),
        ('{"messages": [{"role": "user", "content": "x"}], "n": 2}', "n: "),
        ('{"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}', "max_tokens"),
    ],
)
def test_a_bad_request_is_explained(body: str, message: str, client: TestClient) -> None:
    headers = {"content-type": "application/json"}
    reply = client.post(CHAT, content=body, headers=headers)
    assert reply.status_code == 400
    assert message in _error(reply)


def test_a_prompt_longer_than_the_context_is_refused(client: TestClient) -> None:
    reply = client.post(CHAT, json={"messages": [{"role": "user", "content": "la " * 2000}]})
    assert reply.status_code == 413
    assert "longer than the model's 1024 tokens" in _error(reply)


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversize_body_is_refused(chunked: bool, client: TestClient) -> None:
    body = b" " * (Limits.max_body_bytes + 1)
    content = iter([body[:1000], body[1000:]]) if chunked else body
    reply = client.post(CHAT, content=content, headers={"content-type": "application/json"})
    assert reply.status_code == 413


def test_an_unknown_path_is_answered_in_the_apis_shape(client: TestClient) -> None:
    assert _error(client.get("/v1/embeddings")) == "Not Found"


def test_a_model_with_a_colon_in_its_name_is_answered_in_the_apis_shape(client: TestClient) -> None:
    assert "the model org:intent does not exist" in _error(client.get("/v1/models/org:intent"))


def test_an_error_is_one_line_of_bounded_length_whatever_was_sent(client: TestClient) -> None:
    reply = client.post(CHAT, json={"model": "a\nb\x1b" + "x" * 9000, "messages": [USER]})
    message = _error(reply)
    assert message.startswith("the model a?b?x")
    assert len(message) == 500


@pytest.fixture(scope="module")
def guarded(engine: TransformersEngine) -> TestClient:
    return _client(engine, "s3cret")


@pytest.mark.parametrize("header", [None, "Bearer wrong", "s3cret", "Bearer ", "Bearer s3crét"])
def test_a_missing_or_wrong_key_is_refused(header: str | None, guarded: TestClient) -> None:
    headers = {"authorization": header.encode()} if header is not None else {}
    replies = [
        guarded.get("/v1/models", headers=headers),
        guarded.post(CHAT, content=b"{", headers=headers),
    ]
    assert [reply.status_code for reply in replies] == [401, 401]


def test_the_right_key_is_let_in(guarded: TestClient) -> None:
    reply = guarded.get("/v1/models", headers={"authorization": "Bearer s3cret"})
    assert reply.status_code == 200


def test_health_needs_no_key(guarded: TestClient) -> None:
    assert guarded.get("/health").json() == {"status": "ok"}


def test_a_failure_says_nothing_of_what_is_inside(
    tiny_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = TransformersEngine(tiny_model, constrained=False)
    engine.complete_all = lambda *_: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    broken = _client(engine)
    reply = broken.post(CHAT, json={"messages": [USER]})
    assert (reply.status_code, "zero" in reply.text) == (500, False)


@pytest.fixture(scope="module")
def unguarded(engine: TransformersEngine) -> TestClient:
    model = read_served_model(str(engine.folder))
    log = RequestLog(None, 1.0, model)
    service = Service("intent", model, LocalBackend(engine, model), log, Limits())
    return TestClient(create_app(service, Keys(None, None), host="box.example"))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("localhost:8000", 200), ("localhost", 200), ("127.0.0.1:8000", 200), ("[::1]:80", 200)),
        *(("box.example:8000", 200), ("rebound.example:8000", 421), ("", 421), ("x:y", 421)),
    ],
)
def test_without_a_key_another_servers_name_is_refused(
    host: str, status: int, unguarded: TestClient
) -> None:
    assert unguarded.get("/v1/models", headers={"host": host}).status_code == status


def test_the_model_is_ready_when_it_has_answered(client: TestClient) -> None:
    assert client.get("/v2/models/intent/ready").json() == {"name": "intent", "ready": True}


def test_a_model_that_cannot_answer_is_not_ready(tiny_model: Path) -> None:
    engine = TransformersEngine(tiny_model, constrained=True)
    engine.complete_all = lambda *_: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    assert _client(engine).get("/healthz/ready").status_code >= 500


def test_instances_of_a_batch_get_the_answers_that_each_gets_alone(client: TestClient) -> None:
    texts = ["put on Queen", "is it raining in Oslo", "?", "put on Abba " * 30]
    path = "/v1/models/intent:predict"
    batch = client.post(path, json={"instances": texts}).json()["predictions"]
    alone = [client.post(path, json={"instances": [t]}).json()["predictions"][0] for t in texts]
    assert [one["text"] for one in batch] == [one["text"] for one in alone]


def test_dialogues_that_begin_otherwise_are_answered_after_one_another(
    engine: TransformersEngine,
) -> None:
    ids = prompt_token_ids(engine.tokenizer, UTTERANCE)
    alike, other = (Dialogue(token_ids=one, limit=9) for one in (ids, [*reversed(ids)]))
    came = iter([[other], [alike]])
    first = Dialogue(token_ids=ids, limit=9)
    found = dict(engine.complete_all([first], lambda: next(came, [])))
    assert (found[alike], set(found)) == (found[first], {first, other, alike})
