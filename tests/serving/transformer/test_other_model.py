"""A predictor whose server is being replaced: another model never answers in its place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from intentflow.serving.model_files import read_served_model
from intentflow.serving.vllm_client import VllmBackend
from tests.real_parts.process import free_port
from tests.serving.transformer.conftest import (
    PREDICTOR_KEY,
    Running,
    played_vllm,
    transformer,
    write_model,
)
from tests.serving.transformer.played_vllm import ANSWER

pytestmark = pytest.mark.real

CHAT = "/openai/v1/chat/completions"
DIGEST = "a" * 64


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A transformer whose model has a digest."""
    folder = tmp_path_factory.mktemp("other")
    model = write_model(folder / f"sha256-{DIGEST}")
    with (
        played_vllm(folder, free_port()) as predictor,
        transformer(folder, predictor, model=model) as service,
    ):
        yield service


def _body(utterance: str, *, stream: bool = False) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": utterance}], "stream": stream}


def _complete(reply: httpx.Response) -> str:
    return str(reply.json()["choices"][0]["message"]["content"])


def _streamed(reply: httpx.Response) -> str:
    """The pieces of a streamed answer, however they were cut."""
    data = [line.removeprefix("data: ") for line in reply.text.splitlines() if line]
    events = [json.loads(it) for it in data if it != "[DONE]"]
    return "".join(it["choices"][0]["delta"].get("content") or "" for it in events if it["choices"])


def _count(service: Running, outcome: str) -> float:
    text = httpx.get(f"{service.metrics_url}/metrics").text
    start = f'intentflow_other_model_total{{outcome="{outcome}"}} '
    found = [line.removeprefix(start) for line in text.splitlines() if line.startswith(start)]
    return float(found[0]) if found else 0.0


def test_model_is_asked_by_its_digest(named: Running) -> None:
    named.client().post(CHAT, json=_body("x"))
    assert httpx.get(f"{named.predictor}/asked").json()["model"] == DIGEST


def test_model_without_a_digest_is_asked_by_its_name(service: Running) -> None:
    service.client().post(CHAT, json=_body("x"))
    assert httpx.get(f"{service.predictor}/asked").json()["model"] == "intent"


@pytest.mark.parametrize("stream", [True, False])
def test_connection_to_another_model_is_left_for_a_new_one(named: Running, stream: bool) -> None:
    before = _count(named, "answered")
    with named.client() as client:
        for _ in range(5):
            client.post(CHAT, json=_body("x"))
            reply = client.post(CHAT, json=_body("moved", stream=stream))
            assert reply.status_code == 200
            assert (_streamed(reply) if stream else _complete(reply)) == ANSWER
    assert _count(named, "answered") > before


@pytest.mark.parametrize("stream", [True, False])
def test_model_that_is_gone_is_away_for_a_while(named: Running, stream: bool) -> None:
    before = _count(named, "refused")
    reply = named.client().post(CHAT, json=_body("gone", stream=stream))
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
    assert ANSWER not in reply.text
    assert _count(named, "refused") == before + 1


@pytest.mark.parametrize(("served", "ready"), [(DIGEST, True), ("b" * 64, False)])
def test_ready_only_when_its_own_model_answers(tmp_path: Path, served: str, ready: bool) -> None:
    model = read_served_model(str(write_model(tmp_path / f"sha256-{DIGEST}")))

    async def is_ready(url: str) -> bool:
        backend = VllmBackend(url, DIGEST, model, key=PREDICTOR_KEY, timeout_seconds=5)
        try:
            return await backend.is_ready()
        finally:
            await backend.close()

    with played_vllm(tmp_path, free_port(), ANSWER, "0.9", "0", served) as url:
        assert asyncio.run(is_ready(url)) is ready


def test_models_that_share_a_digest_are_asked_by_it(tmp_path: Path) -> None:
    folder = write_model(tmp_path / f"sha256-{DIGEST}")
    shared = read_served_model(str(folder)).interface_digest
    with (
        played_vllm(tmp_path, free_port(), ANSWER, "0.9", "0", shared) as predictor,
        transformer(tmp_path, predictor, "--shared_digest", model=folder) as service,
    ):
        reply = service.client().post(CHAT, json=_body("x"))
    assert reply.status_code == 200
    assert "x-intentflow-model" not in reply.headers
