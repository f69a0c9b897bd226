"""The transformer's protocols, before a process that plays vLLM."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.serving.transformer.conftest import TOKEN, Running

pytestmark = pytest.mark.real

PREDICT = "/v1/models/intent:predict"
INFER = "/v2/models/intent/infer"
CHAT = "/openai/v1/chat/completions"


def _v2(name: str, *texts: str) -> dict[str, Any]:
    given = {"name": name, "datatype": "BYTES", "shape": [len(texts)], "data": list(texts)}
    return {"inputs": [given]}


def test_v1_gives_typed_calls(service: Running) -> None:
    reply = service.client().post(PREDICT, json={"instances": ["weather in Hangzhou"]}).json()
    call = {
        "intent": "weather_search",
        "parameters": ["Hangzhou"],
        "arguments": {"place": "Hangzhou"},
    }
    assert reply["predictions"][0]["calls"] == [call]


def test_the_confidence_leaves_parameter_values_out(service: Running) -> None:
    reply = service.client().post(PREDICT, json={"instances": ["weather in Hangzhou"]}).json()
    assert reply["predictions"][0]["confidence"] == pytest.approx(0.740818, abs=1e-6)


def test_v1_answers_each_instance_in_order(service: Running) -> None:
    messages = [{"role": "user", "content": "hi"}]
    instances = ["one", {"utterance": "two"}, {"messages": messages}]
    reply = service.client().post(PREDICT, json={"instances": instances})
    assert len(reply.json()["predictions"]) == 3


def test_v2_gives_calls_as_json(service: Running) -> None:
    reply = service.client().post(INFER, json=_v2("utterance", "weather", "more weather")).json()
    outputs = {output["name"]: output for output in reply["outputs"]}
    assert json.loads(outputs["calls"]["data"][1])["calls"][0]["intent"] == "weather_search"


def test_v2_takes_dialogues_as_json(service: Running) -> None:
    messages = json.dumps([{"role": "user", "content": "weather"}])
    assert service.client().post(INFER, json=_v2("messages", messages)).status_code == 200


def test_the_openai_route_gives_the_models_own_answer(service: Running) -> None:
    reply = service.client().post(CHAT, json={"messages": [{"role": "user", "content": "x"}]})
    assert reply.json()["choices"][0]["message"]["content"] == "weather_search(Hangzhou)"


def test_the_predictor_is_asked_greedily_and_inside_the_taxonomy(service: Running) -> None:
    body = {"messages": [{"role": "user", "content": "x"}], "temperature": 2.0, "top_k": 9}
    service.client().post(CHAT, json=body)
    asked = httpx.get(f"{service.predictor}/asked").json()
    assert (asked["temperature"], asked["max_completion_tokens"]) == (0, 128)
    assert "top_k" not in asked
    assert "weather_search(" in asked["structured_outputs"]["grammar"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_predictor_is_asked_for_no_more_tokens_than_a_client_wants(
    service: Running, name: str
) -> None:
    service.client().post(CHAT, json={"messages": [{"role": "user", "content": "x"}], name: 3})
    assert httpx.get(f"{service.predictor}/asked").json()["max_completion_tokens"] == 3


def test_a_reply_has_no_fields_but_the_documented_ones(service: Running) -> None:
    reply = service.client().post(CHAT, json={"messages": [{"role": "user", "content": "x"}]})
    assert set(reply.json()) == {"id", "object", "created", "model", "choices", "usage"}
    assert set(reply.json()["choices"][0]) == {"index", "message", "finish_reason"}


def _streamed(service: Running, utterance: str) -> list[str]:
    body = {"messages": [{"role": "user", "content": utterance}], "stream": True}
    with service.client().stream("POST", CHAT, json=body) as reply:
        assert reply.status_code == 200
        return [line.removeprefix("data: ") for line in reply.iter_lines() if line]


@pytest.mark.parametrize(
    ("utterance", "status"),
    [
        ("outside", 502),
        ("huge", 502),
        ("garbage in pieces", 502),
        ("half a character", 502),
        ("nested without end", 502),
        ("counted without end", 502),
        ("breaks off", 503),
        ("fails", 503),
        ("a path", 502),
        ("a path behind a call", 502),
        ("no JSON", 502),
        ("no text", 502),
        ("no events", 503),
        ("an early end", 503),
        ("endless", 502),
        ("endless comments", 502),
        ("an endless line", 502),
        ("endless and slow", 504),
    ],
)
def test_a_stream_at_fault_ends_with_an_error_event(
    service: Running, utterance: str, status: int
) -> None:
    events = _streamed(service, utterance)
    assert json.loads(events[-1])["error"]["code"] == status
    assert "secret" not in "".join(events)


@pytest.mark.parametrize(
    ("utterance", "streamed"),
    [("a path", ""), ("a path behind a call", "weather_search(Hangzhou); ")],
)
def test_a_stream_ends_before_the_piece_that_leaves_the_taxonomy(
    service: Running, utterance: str, streamed: str
) -> None:
    chunks = [json.loads(event) for event in _streamed(service, utterance)]
    texts = [chunk["choices"][0]["delta"]["content"] for chunk in chunks if "choices" in chunk]
    assert "".join(texts) in streamed


def test_a_stream_has_no_fields_but_the_documented_ones(service: Running) -> None:
    *events, end = _streamed(service, "more fields")
    assert ("secret" in "".join(events), end) == (False, "[DONE]")
    chunks = [json.loads(event) for event in events]
    assert {key for chunk in chunks for key in chunk} == {
        *("id", "object", "created", "model", "choices"),
    }


def test_an_answer_carries_the_requests_id(service: Running) -> None:
    headers = {"X-Request-Id": "order-66"}
    reply = service.client().post(PREDICT, json={"instances": ["x"]}, headers=headers)
    assert reply.headers["x-request-id"] == "order-66"


def test_an_id_that_could_forge_a_log_line_is_replaced(service: Running) -> None:
    headers = {"X-Request-Id": "a b\tc"}
    reply = service.client().post(PREDICT, json={"instances": ["x"]}, headers=headers)
    assert reply.headers["x-request-id"] != "a b\tc"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"instances": []}, 400),
        ({"instances": [7]}, 400),
        ({"instances": [""]}, 400),
        ({"instances": [{"utterance": 7}]}, 400),
        ({"instances": [{"messages": [{"role": "tool", "content": "x"}]}]}, 400),
        ({"instances": [{"messages": [{"role": "system", "content": "x"}]}]}, 400),
        ({"instances": ["x"] * 5}, 413),
        ({"instances": [{"messages": [{"role": "user", "content": "x"}] * 401}]}, 413),
    ],
)
def test_what_cannot_be_read_is_the_clients_fault(
    service: Running, body: dict[str, Any], status: int
) -> None:
    reply = service.client().post(PREDICT, json=body)
    assert reply.status_code == status
    assert "\n" not in reply.json()["error"]


def test_a_dialogue_of_a_hundred_rounds_is_answered(service: Running) -> None:
    rounds = [
        {"role": role, "content": f"round {i}"}
        for i in range(100)
        for role in ("user", "assistant")
    ]
    reply = service.client().post(PREDICT, json={"instances": [{"messages": rounds}]})
    assert reply.status_code == 200


@pytest.mark.parametrize("content", [b"{", b"[]", b'"x"', b"\xff\xfe{}", b"[" * 5000])
@pytest.mark.parametrize("path", [PREDICT, INFER, CHAT, "/feedback"])
def test_a_broken_body_is_refused_in_one_line(service: Running, path: str, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    reply = service.client().post(path, content=content, headers=headers)
    assert 400 <= reply.status_code < 500
    assert "Traceback" not in reply.text


def test_another_content_type_is_refused(service: Running) -> None:
    headers = {"Content-Type": "text/plain"}
    assert service.client().post(PREDICT, content=b"{}", headers=headers).status_code == 415


def test_a_body_that_is_too_large_is_refused(service: Running) -> None:
    reply = service.client().post(PREDICT, json={"instances": ["x" * 30_000]})
    assert reply.status_code == 413


def test_a_body_that_grows_too_large_is_refused(service: Running) -> None:
    chunks = (b"x" * 1000 for _ in range(50))
    headers = {"Content-Type": "application/json"}
    assert service.client().post(PREDICT, content=chunks, headers=headers).status_code == 413


def test_an_unknown_model_is_not_found(service: Running) -> None:
    reply = service.client().post("/v1/models/nope:predict", json={"instances": ["x"]})
    assert reply.status_code == 404


@pytest.mark.parametrize("token", ["guess", TOKEN])
def test_openais_own_client_can_read_why(service: Running, token: str) -> None:
    body = {"model": "gpt", "messages": [{"role": "user", "content": "x"}]}
    error = service.client(token).post(CHAT, json=body).json()["error"]
    assert (error["type"], "\n" in error["message"]) == ("invalid_request_error", False)


def test_an_unknown_model_is_not_found_by_the_openai_route(service: Running) -> None:
    body = {"model": "gpt", "messages": [{"role": "user", "content": "x"}]}
    assert service.client().post(CHAT, json=body).status_code == 404


@pytest.mark.parametrize(
    ("utterance", "status"),
    [
        ("garbage", 502),
        ("outside", 502),
        ("too sure", 502),
        ("half a character", 502),
        ("nested without end", 502),
        ("counted without end", 502),
        ("counted below 0", 502),
        ("sure beyond numbers", 502),
        ("surely nothing", 502),
        ("huge", 502),
        ("broken", 503),
        ("slow", 504),
        ("too long", 413),
    ],
)
def test_a_predictor_at_fault_gives_a_status_and_one_line(
    service: Running, utterance: str, status: int
) -> None:
    reply = service.client().post(PREDICT, json={"instances": [utterance]})
    assert reply.status_code == status
    assert "secret" not in reply.text


def test_metrics_have_no_labels_that_clients_choose(service: Running) -> None:
    service.client().get("/some/route/of/a/client")
    text = httpx.get(f"{service.metrics_url}/metrics").text
    assert 'intentflow_requests_total{code="404",route="other"}' in text
    assert "some/route" not in text


def test_predicted_intents_are_counted(service: Running) -> None:
    service.client().post(PREDICT, json={"instances": ["x"]})
    text = httpx.get(f"{service.metrics_url}/metrics").text
    assert 'intentflow_predictions_total{intent="weather_search"}' in text
