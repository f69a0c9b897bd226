"""What a client learns on the laptop holds in the cluster: both servers, the same requests."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from openai import OpenAI

from intentflow.client import IntentClient, ServiceFailure
from tests.serving.documented import ask_as_documented
from tests.serving.kserve_client import InferenceRESTClient, RESTConfig, kserve
from tests.serving.servers import UTTERANCE, Servers, client
from tests.serving.transformer.conftest import TOKEN

pytestmark = pytest.mark.real

CHAT, PREDICT, INFER = (
    "/v1/chat/completions",
    "/v1/models/intent:predict",
    "/v2/models/intent/infer",
)
POSTED = [CHAT, "/openai/v1/chat/completions", PREDICT, INFER, "/feedback"]
USER = {"role": "user", "content": UTTERANCE}
JSON = {"content-type": "application/json"}

# Values that differ from one request to the next, or count what the played vLLM does not have.
VARYING = {"id", "created", "latency_seconds", "request_id", "usage"}


def _comparable(value: Any, key: str = "") -> Any:
    """A document whose varying values are replaced by their types."""
    if isinstance(value, dict):
        return {name: _comparable(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item, key) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        return _comparable(json.loads(value))  # a prediction in an output of V2
    if key in VARYING or key.endswith("_tokens"):
        return type(value).__name__
    return round(value, 4) if isinstance(value, float) else value


def _same(servers: Servers, ask: Callable[[httpx.Client], httpx.Response]) -> httpx.Response:
    """The response of both servers, which have to agree."""
    seen = []
    for url in servers.urls:
        with client(url) as http:
            reply = ask(http)
        seen.append((reply.status_code, _comparable(reply.json()), reply))
    assert seen[0][:2] == seen[1][:2]
    return seen[0][2]


def _post(servers: Servers, path: str, body: object) -> httpx.Response:
    return _same(servers, lambda http: http.post(path, json=body))


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/health", "/healthz/live", "/healthz/ready", "/v2/health/live", "/v2/health/ready"),
        *("/v1/models", "/openai/v1/models", "/v1/models/intent", "/openai/v1/models/intent"),
        *("/v2", "/v2/models", "/v2/models/intent", "/v2/models/intent/ready"),
    ],
)
def test_state_is_reported_alike(servers: Servers, path: str) -> None:
    assert _same(servers, lambda http: http.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in ("/nowhere", "/v1/embeddings", "/metrics", "/openapi.json")),
        *(
            ("GET", path)
            for path in ("/docs", "/v1/models/other", "/v2/models/other", "/v1/models/")
        ),
        ("GET", "/v2/repository/index"),
        ("POST", "/v2/repository/models/intent/load"),
        ("POST", "/v2/repository/models/intent/unload"),
    ],
)
def test_what_is_not_there_is_404(servers: Servers, method: str, path: str) -> None:
    body = {} if method == "POST" else None
    reply = _same(servers, lambda http: http.request(method, path, json=body))
    assert reply.status_code == 404


@pytest.mark.parametrize("path", POSTED)
def test_another_method_is_405(servers: Servers, path: str) -> None:
    assert _same(servers, lambda http: http.delete(path)).status_code == 405


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/openai/v1/chat/completions"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"model": "intent", "temperature": 2.0, "top_p": 0.1, "stream": None, "max_tokens": None},
        {"messages": [{"role": "system", "content": "You are a pirate."}, USER]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": UTTERANCE}]}]},
    ],
)
def test_chat_completions_are_alike(servers: Servers, path: str, settings: dict[str, Any]) -> None:
    reply = _post(servers, path, {"messages": [USER], **settings})
    assert reply.json()["choices"][0]["message"]["content"] == servers.answer


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"model": "gpt"}, 404),
        ({"messages": []}, 400),
        ({"messages": None}, 400),
        ({"messages": [{"role": "system", "content": "x"}]}, 400),
        ({"messages": [{"role": "user", "content": " "}]}, 400),
        ({"messages": [{"role": "user", "content": None}]}, 400),
        ({"messages": [{"role": "user", "content": []}]}, 400),
        ({"messages": [{"role": "tool", "content": "x"}]}, 400),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400),
        ({"messages": [USER] * 401}, 413),
        ({"messages": [{"role": "user", "content": "x" * 20_001}]}, 413),
        ({"messages": [USER, {"role": "user", "content": "\ud800"}]}, 400),
        ({"n": 2}, 400),
        ({"stream": "yes"}, 400),
        ({"max_tokens": 0}, 400),
    ],
)
def test_chat_requests_are_refused_alike(
    servers: Servers, changes: dict[str, Any], status: int
) -> None:
    body = json.dumps({"messages": [USER], **changes})
    reply = _same(servers, lambda http: http.post(CHAT, content=body, headers=JSON))
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, status)


@pytest.mark.parametrize(
    "instances",
    [
        [UTTERANCE],
        [{"utterance": UTTERANCE}, {"messages": [USER]}],
        [{"messages": [{"role": "user", "content": [{"type": "text", "text": UTTERANCE}]}]}],
    ],
)
def test_predictions_are_alike(servers: Servers, instances: list[Any]) -> None:
    found = _post(servers, PREDICT, {"instances": instances}).json()["predictions"]
    assert [one["text"] for one in found] == [servers.answer] * len(instances)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"instances": []}, 400),
        ({"instances": "x"}, 400),
        ({"instances": [7]}, 400),
        ({"instances": [{}]}, 400),
        ({"instances": [""]}, 400),
        ({"instances": [{"utterance": 7}]}, 400),
        ({"instances": [{"messages": [{"role": "tool", "content": "x"}]}]}, 400),
        ({"instances": [{"messages": [{"role": "system", "content": "x"}]}]}, 400),
        ({"instances": [UTTERANCE] * 65}, 413),
        ({"instances": ["x" * 20_001]}, 413),
        ({"instances": ["\ud800"]}, 400),
    ],
)
def test_predict_requests_are_refused_alike(servers: Servers, body: object, status: int) -> None:
    content = json.dumps(body)
    reply = _same(servers, lambda http: http.post(PREDICT, content=content, headers=JSON))
    assert (reply.status_code, "\n" in reply.json()["error"]) == (status, False)


def _input(name: str, *texts: Any, datatype: str = "BYTES") -> dict[str, Any]:
    tensor = {"name": name, "datatype": datatype, "shape": [len(texts)], "data": list(texts)}
    return {"id": "7", "inputs": [tensor]}


@pytest.mark.parametrize(
    "body", [_input("utterance", UTTERANCE, UTTERANCE), _input("messages", json.dumps([USER]))]
)
def test_inferences_are_alike(servers: Servers, body: dict[str, Any]) -> None:
    outputs = {one["name"]: one for one in _post(servers, INFER, body).json()["outputs"]}
    assert json.loads(outputs["calls"]["data"][0])["text"] == servers.answer


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"inputs": []}, 400),
        ({"inputs": [7]}, 400),
        ({"inputs": [{"name": "utterance"}]}, 400),
        (_input("utterance"), 400),
        (_input("utterance", 7), 400),
        (_input("utterance", ["nested"]), 400),
        (_input("utterance", "\ud800"), 400),
        (_input("other", "x"), 400),
        (_input("utterance", 1.5, datatype="FP32"), 400),
        (_input("messages", "no JSON"), 400),
        (_input("messages", "[]"), 400),
        (_input("messages", "[" * 5000), 400),
        (_input("utterance", *["x"] * 65), 413),
    ],
)
def test_inference_requests_are_refused_alike(servers: Servers, body: object, status: int) -> None:
    content = json.dumps(body)
    reply = _same(servers, lambda http: http.post(INFER, content=content, headers=JSON))
    assert (reply.status_code, "\n" in reply.json()["error"]) == (status, False)


@pytest.mark.parametrize(
    ("length", "body"),
    [
        ("", b"{}"),
        ("99", b"{}"),
        ("-1", b"{}"),
        ("2", b"{}"),
        ("2", b"[]"),
        ("13", b'{"inputs": 1}'),
        ("71", b'{"inputs":[{"name":"utterance","parameters":{"binary_data_size":9}}]}  \xff'),
    ],
)
def test_binary_requests_are_refused_alike(servers: Servers, length: str, body: bytes) -> None:
    headers = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": length,
    }
    reply = _same(servers, lambda http: http.post(INFER, content=body, headers=headers))
    assert reply.status_code == 400


@pytest.mark.parametrize(
    "row",
    [
        {"utterance": "x", "output": "play_music(Queen)", "note": "hm", "prediction": "stop()"},
        {"instruction": "x", "calls": [{"intent": "play_music"}], "request_id": "r-1"},
        {"messages": [USER], "output": "play_music()"},
    ],
)
def test_corrections_are_stored_alike(servers: Servers, row: dict[str, Any]) -> None:
    assert _post(servers, "/feedback", row).status_code == 201


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({}, 400),
        ({"utterance": "x"}, 400),
        ({"utterance": " ", "output": "play_music()"}, 400),
        ({"utterance": "x", "output": "no call"}, 400),
        ({"utterance": "x", "output": 7}, 400),
        ({"utterance": "x", "output": "play_music()", "request_id": "a b"}, 400),
        ({"utterance": "x\ud800", "output": "play_music()"}, 400),
        ({"utterance": "x", "output": "play_musik()"}, 422),
        ({"utterance": "x", "output": "weather_search()"}, 422),
        ({"utterance": "x" * 20_001, "output": "play_music()"}, 413),
        ({"messages": [{"role": "user", "content": "x" * 20_001}], "output": "stop()"}, 413),
    ],
)
def test_corrections_are_refused_alike(servers: Servers, row: object, status: int) -> None:
    content = json.dumps(row)
    reply = _same(servers, lambda http: http.post("/feedback", content=content, headers=JSON))
    assert reply.status_code == status


def _hostile_text(unit: str) -> str:
    return (unit * 20_000)[:20_000]


def test_texts_made_to_be_slow_to_redact_keep_nobody_waiting(servers: Servers) -> None:
    units = [
        "7",
        "1 ",
        "call 12345678 ",
        "+49 ",
        "login ",
        "a@",
        "1.1.1.1:",
        "4111 1111 1111 1111 ",
    ]
    rows = [{"messages": [{"role": "user", "content": _hostile_text(u)}]} for u in units]
    answers = servers.answer  # any of the model's own is in the taxonomy

    async def run(url: str) -> tuple[list[int], float]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as http:
            posts = [http.post("/feedback", json={**row, "output": answers}) for row in rows * 4]
            slow = asyncio.gather(*posts)
            await asyncio.sleep(0.2)
            started = time.monotonic()
            short = await http.post("/feedback", json={"utterance": "x", "output": answers})
            waited = time.monotonic() - started
            return [reply.status_code for reply in [short, *await slow]], waited

    for url in servers.urls:
        statuses, waited = asyncio.run(run(url))
        assert set(statuses) == {201}
        assert waited < 15  # one text of digits took 66 s, for all


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"\xff\xfe{}", b"[" * 5000])
@pytest.mark.parametrize("path", POSTED)
def test_a_broken_body_is_refused_alike(servers: Servers, path: str, content: bytes) -> None:
    reply = _same(servers, lambda http: http.post(path, content=content, headers=JSON))
    assert reply.status_code == 400


@pytest.mark.parametrize("path", POSTED)
def test_another_content_type_is_refused_alike(servers: Servers, path: str) -> None:
    headers = {"content-type": "text/plain"}
    reply = _same(servers, lambda http: http.post(path, content=b"{}", headers=headers))
    assert reply.status_code == 415


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversize_body_is_refused_alike(servers: Servers, path: str, chunked: bool) -> None:
    def ask(http: httpx.Client) -> httpx.Response:
        body = b" " * 1_000_001
        parts = iter([body[:1000], body[1000:]])
        return http.post(path, content=parts if chunked else body, headers=JSON)

    assert _same(servers, ask).status_code == 413


@pytest.mark.parametrize("path", ["/v1/models", "/v2", "/nowhere", "/"])
@pytest.mark.parametrize("header", [None, "Bearer wrong", TOKEN, f"Basic {TOKEN}", "Bearer"])
def test_a_stranger_is_refused_alike(servers: Servers, path: str, header: str | None) -> None:
    headers = {"authorization": header} if header is not None else {}
    seen = [httpx.get(f"{url}{path}", headers=headers) for url in servers.urls]
    assert [reply.status_code for reply in seen] == [401, 401]
    assert seen[0].json() == seen[1].json()
    assert {reply.headers["www-authenticate"] for reply in seen} == {"Bearer"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_taken_in_any_case(servers: Servers, scheme: str) -> None:
    headers = {"authorization": f"{scheme} {TOKEN}"}
    for url in servers.urls:
        assert httpx.get(f"{url}/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(("given", "kept"), [("order-66", True), ("a b\tc", False)])
def test_request_ids_are_returned_alike(servers: Servers, given: str, kept: bool) -> None:
    headers = {"x-request-id": given}
    reply = _same(servers, lambda http: http.get("/v1/models", headers=headers))
    assert (reply.headers["x-request-id"] == given) is kept


def _openai(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key=TOKEN)


def test_openais_client_streams_alike(servers: Servers) -> None:
    seen = []
    for url in servers.urls:
        stream = _openai(url).chat.completions.create(
            model="intent",
            messages=[{"role": "user", "content": UTTERANCE}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
        text = "".join(choice.delta.content or "" for choice in choices)
        usage = [chunk.usage is not None for chunk in chunks[-2:]]
        seen.append((text, choices[0].delta.role, choices[-1].finish_reason, usage))
    assert seen[0] == seen[1]
    assert seen[0][0] == servers.answer


@pytest.mark.parametrize("prefix", ["", "/openai"])
@pytest.mark.parametrize("stream", [True, False])
def test_the_documented_client_reads_the_same(
    servers: Servers, prefix: str, stream: bool, tmp_path: Path
) -> None:
    seen = [
        ask_as_documented(f"{url}{prefix}", TOKEN, tmp_path, stream=stream) for url in servers.urls
    ]
    assert seen[0] == seen[1]
    assert (seen[0][0], seen[0][1].strip()) == ("intent", servers.answer)


def test_the_typed_client_recognizes_alike(servers: Servers) -> None:
    seen = []
    for url in servers.urls:
        with IntentClient(url, token=TOKEN) as typed:
            found = typed.recognize_all([UTTERANCE, [USER]])
            assert typed.correct(UTTERANCE, "play_music()", found[0].request_id)
        seen.append([replace(one, latency_seconds=0.0, request_id="") for one in found])
    assert [one.calls for one in seen[0]] == [one.calls for one in seen[1]]
    likely = [[one.confidence for one in found] for found in seen]
    assert likely[0] == pytest.approx(likely[1], abs=2e-6)  # both are rounded to six digits


def test_the_typed_client_is_refused_alike(servers: Servers) -> None:
    seen = []
    for url in servers.urls:
        with (
            IntentClient(url, token="stale") as typed,
            pytest.raises(ServiceFailure, match="bearer token") as failure,
        ):
            typed.recognize(UTTERANCE)
        seen.append(failure.value.status)
    assert seen == [401, 401]


def _infer(url: str, protocol: str, data: Any) -> Any:
    async def ask() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol=protocol)) as http:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            return await http.infer(url, data, model_name="intent", headers=headers)

    return asyncio.run(ask())


def test_kserves_client_predicts_alike_by_v1(servers: Servers) -> None:
    seen = [_infer(url, "v1", {"instances": [UTTERANCE]}) for url in servers.urls]
    assert _comparable(seen[0]) == _comparable(seen[1])


@pytest.mark.parametrize("binary", [False, True])
def test_kserves_client_infers_alike_by_v2(servers: Servers, binary: bool) -> None:
    texts = np.array([UTTERANCE, UTTERANCE], dtype=np.object_)
    given = kserve.InferInput("utterance", [2], "BYTES")
    given.set_data_from_numpy(texts, binary_data=binary)
    seen = []
    for url in servers.urls:
        reply = _infer(url, "v2", kserve.InferRequest("intent", [given]))
        seen.append([_comparable(one.to_dict()) for one in reply.outputs])
    assert seen[0] == seen[1]
    assert json.loads(reply.outputs[0].data[0])["text"] == servers.answer


def test_kserves_client_learns_the_same_of_readiness(servers: Servers) -> None:
    async def ask(url: str) -> tuple[bool, ...]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            InferenceRESTClient(RESTConfig(protocol="v1")) as v1,
            InferenceRESTClient(RESTConfig(protocol="v2")) as v2,
        ):
            return (
                await v1.is_server_live(url, headers=headers),
                await v1.is_model_ready(url, "intent", headers=headers),
                await v2.is_server_live(url),
                await v2.is_server_ready(url),
                await v2.is_model_ready(url, "intent", headers=headers),
            )

    assert [asyncio.run(ask(url)) for url in servers.urls] == [(True,) * 5] * 2
