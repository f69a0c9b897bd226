"""The most probable intents: asked for by ``top_k``, given by both backends."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from intentflow.cli.main import main
from intentflow.client.requests import ClientOptions, LikelyIntent, ServiceRequests
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.serving.app import create_app
from intentflow.serving.backend import Message, ModelAnswer
from intentflow.serving.interpretation import interpret
from intentflow.serving.limits import Limits
from intentflow.serving.local_backend import LocalBackend
from intentflow.serving.model_files import ServedModel, read_served_model
from intentflow.serving.request_log import RequestLog
from intentflow.serving.service import Service
from intentflow.serving.tokens import Keys
from intentflow.serving.vllm_client import VllmBackend
from tests.evaluation.test_fuse import fuse
from tests.evaluation.test_scope import calibration
from tests.models import TAXONOMY, one_thread, rows
from tests.real_parts.process import free_port
from tests.serving.servers import served
from tests.serving.transformer.conftest import played_vllm, write_model

PREDICT, INFER = "/v1/models/intent:predict", "/v2/models/intent/infer"
UTTERANCE = "put on Queen"


def _client(folder: Path) -> Iterator[TestClient]:
    model = read_served_model(str(folder))
    with one_thread():
        backend = LocalBackend(TransformersEngine(folder, constrained=True), model)
        service = Service("intent", model, backend, RequestLog(None, 1.0, model), Limits())
        yield TestClient(create_app(service, Keys(None, None)), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(ranking_model: Path) -> Iterator[TestClient]:
    yield from _client(ranking_model)


def _predict(client: TestClient, **options: Any) -> dict[str, Any]:
    reply = client.post(PREDICT, json={"instances": [UTTERANCE], **options})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["predictions"][0]
    return found


def test_the_most_probable_intents_come_in_order(client: TestClient) -> None:
    ranking = _predict(client, top_k=2)["ranking"]
    assert {one["intent"] for one in ranking} == set(TAXONOMY.intents)
    assert ranking[0]["probability"] >= ranking[1]["probability"]
    assert sum(one["probability"] for one in ranking) == pytest.approx(1, abs=1e-5)


def test_the_first_of_them_is_the_answers(client: TestClient) -> None:
    found = _predict(client, top_k=1)
    assert [one["intent"] for one in found["ranking"]] == [found["calls"][0]["intent"]]


def test_more_than_there_are_means_all(client: TestClient) -> None:
    assert len(_predict(client, top_k=500)["ranking"]) == len(TAXONOMY.intents)


def test_nothing_is_ranked_unless_asked_for(client: TestClient) -> None:
    assert _predict(client)["ranking"] is None


@pytest.mark.parametrize("top_k", [0, -1, 1.5, "3", True])
def test_a_number_that_is_none_is_refused(top_k: object, client: TestClient) -> None:
    reply = client.post(PREDICT, json={"instances": [UTTERANCE], "top_k": top_k})
    assert reply.status_code == 400
    assert reply.json()["error"].startswith("top_k: ")


def test_the_open_inference_protocol_takes_it_as_a_parameter(client: TestClient) -> None:
    tensor = {"name": "utterance", "shape": [1], "datatype": "BYTES", "data": [UTTERANCE]}
    reply = client.post(INFER, json={"inputs": [tensor], "parameters": {"top_k": 1, "other": 1}})
    assert reply.status_code == 200, reply.text
    calls = json.loads(reply.json()["outputs"][0]["data"][0])
    assert len(calls["ranking"]) == 1


def test_a_model_without_intent_tokens_answers_without_a_ranking(tiny_model: Path) -> None:
    for plain in _client(tiny_model):
        assert _predict(plain, top_k=2)["ranking"] is None


def test_the_typed_client_reads_them() -> None:
    requests = ServiceRequests("http://127.0.0.1:1", ClientOptions())
    assert requests.predict(["x"], 2).body == {"instances": [{"utterance": "x"}], "top_k": 2}
    ranked = [{"intent": "stop", "probability": 0.75}]
    document = {
        "calls": [],
        "text": "",
        "confidence": None,
        "out_of_scope": False,
        "latency_seconds": 0.1,
        "ranking": ranked,
    }
    reply = httpx.Response(200, json={"predictions": [document]})
    (found,) = requests.read_predictions(reply)
    assert found.ranking == (LikelyIntent("stop", 0.75),)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with played_vllm(tmp_path_factory.mktemp("played"), free_port()) as url:
        yield url


def _served(folder: Path, tokens: dict[str, int]) -> ServedModel:
    config = write_model(folder / "model") / "tokenizer_config.json"
    config.write_text(json.dumps({"intent_tokens": tokens}))
    return read_served_model(str(folder / "model"))


def _ask(predictor: str, model: ServedModel, utterance: str, top_k: int) -> ModelAnswer:
    async def ask() -> ModelAnswer:
        backend = VllmBackend(predictor, "intent", model, timeout_seconds=5)
        messages: list[Message] = [{"role": "user", "content": utterance}]
        try:
            return await backend.complete(messages, 8, "id", top_k)
        finally:
            await backend.close()

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def service_url(ranking_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The model served by the command."""
    with served(ranking_model, tmp_path_factory.mktemp("serve") / "log") as (address, _):
        yield address


def _predicted(capsys: pytest.CaptureFixture[str], *door: str) -> list[tuple[str, float]]:
    with one_thread():
        assert main(["predict", UTTERANCE, "--json", *door]) == 0
    ranking = json.loads(capsys.readouterr().out.splitlines()[-1])["ranking"]
    return [(one["intent"], one["probability"]) for one in ranking]


def test_the_command_ranks_alike_from_a_folder_and_a_service(
    service_url: str, ranking_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _predicted(capsys, "--model", str(ranking_model), "--top-k", "2")
    service = _predicted(capsys, "--service", service_url, "--top-k", "2")
    assert [name for name, _ in folder] == [name for name, _ in service]
    shares = [share for _, share in service]
    assert [share for _, share in folder] == pytest.approx(shares, abs=1e-3)


def test_the_command_ranks_as_many_intents_as_asked_for(
    ranking_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(_predicted(capsys, "--model", str(ranking_model), "--top-k", "1")) == 1


TOKENS = {"weather_search(": 7, "play_music(": 9, "oos()": 11}


def test_vllm_is_asked_for_a_likely_token_of_each_intent(predictor: str, tmp_path: Path) -> None:
    model = _served(tmp_path, TOKENS)
    asked = []
    for top_k in (0, 1, 9):
        _ask(predictor, model, "x", top_k)
        asked.append(httpx.get(f"{predictor}/asked").json().get("top_logprobs"))
    assert asked == [None, 3, 3]


def test_vllms_likely_first_tokens_are_the_ranking(predictor: str, tmp_path: Path) -> None:
    answer = _ask(predictor, _served(tmp_path, TOKENS), "ranked", 2)
    assert answer.ranking == pytest.approx({"weather_search": 0.7, "play_music": 0.2, "oos": 0.1})


@pytest.mark.parametrize(("threshold", "is_outside"), [(0.68, False), (0.7, True)])
def test_a_threshold_of_ranked_intents_is_applied_though_no_ranking_is_asked_for(
    threshold: float, is_outside: bool, predictor: str, tmp_path: Path
) -> None:
    """The ranking is 0.7, 0.2 and 0.1, so the score is 0.7 / (0.7 + sqrt(0.1)) = 0.689."""
    model = replace(_served(tmp_path, TOKENS), calibration=calibration("ranking", threshold))
    found = interpret(_ask(predictor, model, "ranked", 0), 0.1)
    assert found.out_of_scope is is_outside
    assert [call.intent == "oos" for call in found.calls] == [is_outside]


def test_vllm_gets_the_classifiers_biases_on_the_intents_tokens(
    predictor: str, ranking_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(ranking_model, folder)
    fuse(folder, rows())
    engine = TransformersEngine(folder, constrained=True)
    _ask(predictor, read_served_model(str(folder)), UTTERANCE, 0)
    asked = httpx.get(f"{predictor}/asked").json()["logit_bias"]
    expected = engine.biases([{"role": "user", "content": UTTERANCE}])
    assert engine.intents is not None
    ids = map(str, engine.intents.ids)
    assert asked == pytest.approx(dict(zip(ids, expected, strict=True)))


def test_vllm_is_not_asked_to_rank_the_intents_of_a_model_without_tokens(
    predictor: str, tmp_path: Path
) -> None:
    answer = _ask(predictor, _served(tmp_path, {}), "x", 2)
    assert answer.ranking is None
    assert "top_logprobs" not in httpx.get(f"{predictor}/asked").json()
