"""A canary's share of the requests, before two processes that play vLLM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from intentflow.errors import IntentflowError
from intentflow.serving.transformer.settings import read_settings
from tests.real_parts.process import free_port
from tests.serving.transformer.conftest import Running, played_vllm, transformer, write_model

pytestmark = pytest.mark.real

PREDICT = "/v1/models/intent:predict"
CHAT = "/openai/v1/chat/completions"
INFER = "/v2/models/intent/infer"
STABLE, CANARY = "weather_search", "play_music"
DIGESTS = {STABLE: "a" * 64, CANARY: "b" * 64}
HEADER = "x-intentflow-model"


@dataclass(frozen=True)
class Pair:
    """A transformer, and the canary behind it for as long as it is not closed."""

    service: Running
    canary: ExitStack


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A canary with three of ten requests, and a folder of its own."""
    folder = tmp_path_factory.mktemp("canary")
    port = free_port()
    first, second = (write_model(folder / f"sha256-{DIGESTS[it]}") for it in (STABLE, CANARY))
    flags = [
        f"--canary_host=127.0.0.1:{port}",
        f"--canary_model_uri={second}",
        "--canary_percent=30",
    ]
    with played_vllm(folder, free_port()) as stable, ExitStack() as canary:
        canary.enter_context(played_vllm(folder, port, f"{CANARY}(Queen)"))
        with transformer(folder, stable, *flags, model=first) as service:
            yield Pair(service, canary)


def _intents(client: httpx.Client, request_id: str, *instances: str) -> list[str]:
    reply = client.post(
        PREDICT,
        json={"instances": list(instances) or ["hello"]},
        headers={"x-request-id": request_id},
    )
    assert reply.status_code == 200, reply.text
    return [found["calls"][0]["intent"] for found in reply.json()["predictions"]]


def _canary_id(client: httpx.Client) -> str:
    """A request id that is one of the canary's share."""
    return next(f"r-{n}" for n in range(100) if _intents(client, f"r-{n}") == [CANARY])


def test_canary_answers_its_share(pair: Pair) -> None:
    with pair.service.client() as client:
        counts = Counter(_intents(client, f"request-{n}")[0] for n in range(200))
    assert set(counts) == {STABLE, CANARY}
    assert counts[CANARY] == pytest.approx(60, abs=25)


def test_same_request_goes_to_the_same_model(pair: Pair) -> None:
    with pair.service.client() as client:
        chosen = _canary_id(client)
        assert [_intents(client, chosen) for _ in range(5)] == [[CANARY]] * 5


def test_instances_of_a_request_go_to_one_model(pair: Pair) -> None:
    with pair.service.client() as client:
        chosen = _canary_id(client)
        assert _intents(client, chosen, "one", "two", "three") == [CANARY] * 3


def test_openai_route_is_shared_out_too(pair: Pair) -> None:
    with pair.service.client() as client:
        chosen = {"x-request-id": _canary_id(client)}
        body = {"model": "intent", "messages": [{"role": "user", "content": "hello"}]}
        reply = client.post(CHAT, json=body, headers=chosen).json()
    assert reply["choices"][0]["message"]["content"] == f"{CANARY}(Queen)"


def test_what_the_client_did_wrong_is_not_asked_again(pair: Pair) -> None:
    with pair.service.client() as client:
        chosen = {"x-request-id": _canary_id(client)}
        reply = client.post(PREDICT, json={"instances": ["too long"]}, headers=chosen)
    assert reply.status_code in (400, 413)


def test_answers_of_each_model_are_counted(pair: Pair) -> None:
    with pair.service.client() as client:
        _intents(client, _canary_id(client))
    text = httpx.get(f"{pair.service.metrics_url}/metrics").text
    assert 'intentflow_answers_total{model="canary"}' in text


def _asked(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Requests of each protocol for a model of this name."""
    messages = [{"role": "user", "content": "hello"}]
    tensor = {"name": "utterance", "datatype": "BYTES", "shape": [1], "data": ["hello"]}
    return [
        (CHAT, {"model": name, "messages": messages}),
        (CHAT, {"model": name, "messages": messages, "stream": True}),
        (PREDICT.replace("intent", name), {"instances": ["hello"]}),
        (INFER.replace("intent", name), {"inputs": [tensor]}),
    ]


@pytest.mark.parametrize("way", range(4))
@pytest.mark.parametrize("intent", [STABLE, CANARY])
def test_digest_asks_one_model_alone(pair: Pair, intent: str, way: int) -> None:
    path, body = _asked(DIGESTS[intent])[way]
    with pair.service.client() as client:
        for number in range(8):
            reply = client.post(path, json=body, headers={"x-request-id": f"request-{number}"})
            assert (reply.status_code, reply.headers[HEADER]) == (200, DIGESTS[intent])
            assert intent[:5] in reply.text


@pytest.mark.parametrize("way", range(4))
def test_header_names_the_model_that_answered(pair: Pair, way: int) -> None:
    path, body = _asked("intent")[way]
    with pair.service.client() as client:
        for number in range(8):
            reply = client.post(path, json=body, headers={"x-request-id": f"request-{number}"})
            [answered] = [it for it, digest in DIGESTS.items() if digest == reply.headers[HEADER]]
            assert answered[:5] in reply.text


def test_model_behind_the_service_is_asked_for_but_not_listed(pair: Pair) -> None:
    with pair.service.client() as client:
        listed = client.get("/v1/models").json()
        assert [item["id"] for item in listed["data"]] == ["intent"]
        for digest in DIGESTS.values():
            assert client.get(f"/v1/models/{digest}").json()["id"] == digest


def test_unknown_digest_is_no_model(pair: Pair) -> None:
    path, body = _asked("c" * 64)[0]
    with pair.service.client() as client:
        assert client.post(path, json=body).status_code == 404


def test_canary_that_is_down_costs_no_request(pair: Pair) -> None:
    with pair.service.client() as client:
        chosen = _canary_id(client)
        pair.canary.close()
        assert _intents(client, chosen) == [STABLE]


@pytest.fixture
def successor(tmp_path: Path) -> Iterator[tuple[Running, ExitStack]]:
    """A transformer whose canary has all requests, and its former model until it is closed."""
    port = free_port()
    models = [write_model(tmp_path / f"sha256-{DIGESTS[it]}") for it in (STABLE, CANARY)]
    flags = [
        f"--canary_host=127.0.0.1:{port}",
        f"--canary_model_uri={models[1]}",
        "--canary_percent=100",
    ]
    with ExitStack() as former, played_vllm(tmp_path, port, f"{CANARY}(Queen)"):
        stable = former.enter_context(played_vllm(tmp_path, free_port()))
        with transformer(tmp_path, stable, *flags, model=models[0]) as service:
            yield service, former


def test_ready_while_the_canary_has_all_requests_and_the_former_model_is_gone(
    successor: tuple[Running, ExitStack],
) -> None:
    service, former = successor
    former.close()
    with service.client() as client:
        assert [client.get("/healthz/ready").status_code for _ in range(5)] == [200] * 5
        assert _intents(client, "request-1") == [CANARY]


@pytest.mark.parametrize("flag", ["--canary_host=h", "--canary_model_uri=s3://m"])
def test_half_a_canary_is_refused(flag: str) -> None:
    with pytest.raises(IntentflowError, match="a canary needs both"):
        read_settings(["--model_uri=m", "--predictor_host=h", flag], {})


def test_rendered_arguments_are_understood() -> None:
    """What deploying writes is what the transformer reads."""
    from intentflow.deployment import DeployOptions, ModelFacts, render

    stable = ModelFacts(uri="s3://m/a", digest="a" * 64, prompt_digest="p")
    candidate = ModelFacts(uri="s3://m/c", digest="c" * 64, prompt_digest="p")
    options = DeployOptions(name="banking", namespace="team-a", canary_percent=10)
    service = render(candidate, options, None, stable)[-1]
    (container,) = service["spec"]["transformer"]["containers"]
    kserve = ["--predictor_host", "banking-predictor.team-a", "--http_port", "8080"]
    named = {v["name"]: v.get("value", "") for v in container["env"]}
    settings = read_settings([*container["args"], *kserve], named)
    assert (settings.model_name, settings.model_uri) == ("banking", "s3://m/a")
    assert settings.canary_url == f"http://banking-c{'c' * 8}-predictor.team-a"
    assert (settings.canary_model_uri, settings.canary_percent) == ("s3://m/c", 10)
