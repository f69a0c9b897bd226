"""The person who asks: a keyed hash in the log, and nothing of it anywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from intentflow.client import IntentClient
from intentflow.persons import PERSON_KEY_VARIABLE, PersonKey
from tests.real_parts.process import free_port
from tests.serving.transformer.conftest import TOKEN, Running, played_vllm, transformer
from tests.test_persons import KEY

pytestmark = pytest.mark.real

PERSON = "customer-1042"
HASH = PersonKey(KEY.encode()).hashed(PERSON)
DIALOGUE = [{"role": "user", "content": "I want"}, {"role": "user", "content": "the weather"}]
DOORS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/models/intent:predict", {"instances": ["x"], "person": PERSON}),
    ("/v1/chat/completions", {"messages": DIALOGUE[:1], "person": PERSON}),
    ("/v1/chat/completions", {"messages": DIALOGUE[:1], "person": PERSON, "stream": True}),
    (
        "/v2/models/intent/infer",
        {
            "inputs": [{"name": "utterance", "shape": [1], "datatype": "BYTES", "data": ["x"]}],
            "parameters": {"person": PERSON},
        },
    ),
]


@pytest.fixture
def keyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A transformer with the key of persons; its log is complete when it has ended."""
    monkeypatch.setenv(PERSON_KEY_VARIABLE, KEY)
    with (
        played_vllm(tmp_path, free_port()) as predictor,
        transformer(tmp_path, predictor) as found,
    ):
        yield found


def _rows(folder: Path, kind: str) -> list[dict[str, Any]]:
    files = sorted((folder / kind).rglob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_each_door_logs_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PERSON_KEY_VARIABLE, KEY)
    with played_vllm(tmp_path, free_port()) as predictor:
        with transformer(tmp_path, predictor) as found:
            for path, body in DOORS:
                assert found.client().post(path, json=body).status_code == 200
        assert [row["person"] for row in _rows(found.kept, "requests")] == [HASH] * len(DOORS)


def test_a_correction_keeps_the_hash_and_the_rounds(keyed: Running) -> None:
    with IntentClient(keyed.url, token=TOKEN) as client:
        client.correct(DIALOGUE, "weather_search(Oslo)", person=PERSON)
    (row,) = _rows(keyed.kept, "feedback")
    assert (row["person"], row["rounds"]) == (HASH, 2)


def test_the_model_gets_nothing_of_a_person(keyed: Running) -> None:
    with IntentClient(keyed.url, token=TOKEN) as client:
        client.recognize("weather", person=PERSON)
    asked = httpx.get(f"{keyed.predictor}/asked").text
    assert "weather" in asked
    assert PERSON not in asked
    assert HASH not in asked


def test_nothing_shows_the_person_or_the_key(keyed: Running, tmp_path: Path) -> None:
    with IntentClient(keyed.url, token=TOKEN) as client:
        client.correct("x", "play_music()", person=PERSON)
    texts = [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(PERSON in text or KEY in text for text in texts)


def test_without_a_key_a_person_is_refused(service: Running) -> None:
    path, body = DOORS[0]
    reply = service.client().post(path, json=body)
    assert reply.status_code == 400
    assert PERSON_KEY_VARIABLE in reply.json()["error"]
