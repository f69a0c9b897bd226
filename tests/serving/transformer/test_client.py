"""The typed clients against the running transformer."""

from __future__ import annotations

import asyncio
import json

import pytest

from intentflow.cli.main import main
from intentflow.client import AsyncIntentClient, IntentClient, RecognizedCall, ServiceFailure
from intentflow.errors import IntentflowError
from tests.real_parts.process import free_port
from tests.serving.transformer.conftest import TOKEN, Running

pytestmark = pytest.mark.real

HANGZHOU = RecognizedCall("weather_search", ("Hangzhou",), {"place": "Hangzhou"})


def test_an_utterance_becomes_typed_calls(service: Running) -> None:
    with IntentClient(service.url, token=TOKEN) as client:
        assert client.recognize("weather in Hangzhou").calls == (HANGZHOU,)


def test_the_address_for_openai_clients_will_do(service: Running) -> None:
    with IntentClient(f"{service.url}/openai/v1", token=TOKEN) as client:
        assert client.recognize("weather in Hangzhou").calls == (HANGZHOU,)


def test_the_command_without_a_token_says_what_to_set(
    service: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTENTFLOW_TOKEN", raising=False)
    assert main(["predict", "hello", "--service", service.url]) == 2
    assert "set INTENTFLOW_TOKEN to the service's token" in capsys.readouterr().err


def test_a_dialogue_becomes_typed_calls(service: Running) -> None:
    with IntentClient(service.url, token=TOKEN) as client:
        assert client.recognize([{"role": "user", "content": "x"}]).calls == (HANGZHOU,)


def test_the_async_client_understands_many_at_once(service: Running) -> None:
    async def ask() -> int:
        async with AsyncIntentClient(service.url, token=TOKEN) as client:
            return len(await asyncio.gather(*(client.recognize(f"row {i}") for i in range(20))))

    assert asyncio.run(ask()) == 20


def test_a_correction_names_the_request_that_was_wrong(service: Running) -> None:
    with IntentClient(service.url, token=TOKEN) as client:
        found = client.recognize("x")
        assert client.correct("x", "play_music()", found.request_id) == found.request_id


def test_a_correction_of_a_recognition_stores_its_answer_and_who_corrected(
    service: Running,
) -> None:
    with IntentClient(service.url, token=TOKEN) as client:
        found = client.recognize("weather in Hangzhou, by ann")
        client.correct("weather in Hangzhou, by ann", "play_music()", found, annotator="ann")
    files = (service.kept / "feedback").rglob("*.jsonl")
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    (kept,) = [line for line in lines if line["request_id"] == found.request_id]
    assert (kept["prediction"], kept["annotator"]) == ("weather_search(Hangzhou)", "ann")


def test_a_wrong_token_is_not_tried_again(service: Running) -> None:
    with IntentClient(service.url, token="stale") as client:
        with pytest.raises(ServiceFailure, match="401") as failure:
            client.recognize("x")
        assert failure.value.status == 401


def test_a_service_that_does_not_answer_in_time_is_given_up(service: Running) -> None:
    with (
        IntentClient(service.url, token=TOKEN, timeout_seconds=0.5) as client,
        pytest.raises(ServiceFailure, match=r"0\.5 s"),
    ):
        client.recognize("slow")


def test_a_service_that_is_not_there_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with (
        IntentClient(url, timeout_seconds=2, retries=1) as client,
        pytest.raises(ServiceFailure, match="is it running"),
    ):
        client.recognize("x")


def test_a_fault_that_may_pass_is_tried_again_until_the_tries_are_over(service: Running) -> None:
    with IntentClient(service.url, token=TOKEN, retries=2, timeout_seconds=30) as client:
        with pytest.raises(ServiceFailure) as failure:
            client.recognize("garbage")
        assert failure.value.status == 502


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(IntentflowError, match=r"expected http\(s\)://host"):
        IntentClient("intent.example")


def test_the_command_asks_a_service(
    service: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTENTFLOW_TOKEN", TOKEN)
    status = main(["predict", "weather?", "--service", service.url, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (status, found["calls"][0]["arguments"]) == (0, {"place": "Hangzhou"})
