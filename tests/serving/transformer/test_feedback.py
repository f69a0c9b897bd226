"""Corrections and requests that are kept for the next training."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from intentflow.records import read_records
from intentflow.serving.corrections import read_correction
from intentflow.serving.errors import ReplyError
from intentflow.serving.limits import Limits
from intentflow.serving.schemas.feedback import CorrectionRequest
from intentflow.taxonomy import Intent, Taxonomy
from tests.real_parts.process import free_port
from tests.serving.transformer.conftest import Running, played_vllm, transformer, write_model

pytestmark = pytest.mark.real


def _rows(folder: Path, kind: str) -> list[dict[str, Any]]:
    files = sorted((folder / kind).rglob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_an_accepted_correction_is_in_storage(service: Running) -> None:
    row = {"utterance": "will it rain in Oslo", "output": "weather_search(Oslo)"}
    request_id = service.client().post("/feedback", json=row).json()["request_id"]
    kept = {row["request_id"]: row for row in _rows(service.kept, "feedback")}
    assert kept[request_id]["output"] == "weather_search(Oslo)"


def test_a_correction_is_a_record_that_converts(service: Running) -> None:
    service.client().post("/feedback", json={"utterance": "x", "output": "play_music()"})
    file = next((service.kept / "feedback").rglob("*.jsonl"))
    assert read_records(file)


def test_personal_data_does_not_reach_the_storage(service: Running) -> None:
    text = "weather for jane.doe@example.com and +49 170 1234567"
    row = {"utterance": text, "output": "weather_search(jane.doe@example.com)"}
    service.client().post("/feedback", json=row)
    text = "".join(f.read_text() for f in (service.kept / "feedback").rglob("*.jsonl"))
    assert "jane.doe" not in text
    assert "1234567" not in text


def test_a_note_is_kept_without_personal_data(service: Running) -> None:
    row = {"utterance": "x", "output": "play_music()", "note": "ask jane.roe@example.com"}
    request_id = service.client().post("/feedback", json=row).json()["request_id"]
    kept = {row["request_id"]: row for row in _rows(service.kept, "feedback")}
    assert "jane.roe" not in kept[request_id]["note"]


def test_corrections_that_come_together_are_all_kept(service: Running) -> None:
    def send(number: int) -> str:
        row = {"utterance": f"row {number}", "output": "play_music(Abba)"}
        return str(service.client().post("/feedback", json=row).json()["request_id"])

    with ThreadPoolExecutor(16) as pool:
        sent = set(pool.map(send, range(48)))
    assert sent <= {row["request_id"] for row in _rows(service.kept, "feedback")}


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({}, 400),
        ({"utterance": "x"}, 400),
        ({"utterance": " ", "output": "play_music()"}, 400),
        ({"utterance": "x", "output": "no call"}, 400),
        ({"utterance": "x", "output": 7}, 400),
        ({"utterance": "x", "output": "play_music()", "annotator": "ann@example.com"}, 400),
        ({"utterance": "x", "output": "play_musik()"}, 422),
        ({"utterance": "x", "output": "weather_search()"}, 422),
        ({"utterance": "x", "calls": [{"intent": "play_music", "parameters": "Abba"}]}, 400),
    ],
)
def test_a_correction_that_cannot_be_one_is_refused(
    service: Running, row: dict[str, Any], status: int
) -> None:
    assert service.client().post("/feedback", json=row).status_code == status


def test_a_misspelt_intent_is_named(service: Running) -> None:
    row = {"utterance": "x", "output": "play_musik()"}
    assert "play_music" in service.client().post("/feedback", json=row).json()["error"]


def test_a_storage_that_does_not_take_it_accepts_nothing(tmp_path: Path) -> None:
    with (
        played_vllm(tmp_path, free_port()) as predictor,
        transformer(tmp_path, predictor) as found,
    ):
        (found.kept / "feedback").write_text("a file where a folder should be")
        row = {"utterance": "x", "output": "play_music()"}
        assert found.client().post("/feedback", json=row).status_code == 503


@pytest.mark.parametrize(
    ("flags", "environment", "message"),
    [
        (["--canary_percent=10"], {}, "--canary_percent needs --canary_host"),
        (["--canary_percent=200"], {}, "--canary_percent 200: a share from 0 to 100"),
        ([], {"INTENTFLOW_LOG_URI": "{folder}/file/x"}, "no folder to keep requests in"),
        (["--http_port={used}"], {}, "choose another --http_port"),
        (["--metrics_port={used}"], {}, "choose another --metrics_port"),
    ],
)
def test_what_cannot_work_is_one_line_before_anything_is_served(
    flags: list[str], environment: dict[str, str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        known = {"folder": tmp_path, "used": other.getsockname()[1]}
        model = write_model(tmp_path / "model")
        command = [sys.executable, "-m", "intentflow.serving.transformer", f"--model_uri={model}"]
        done = subprocess.run(
            [*command, "--predictor_host=127.0.0.1:1", *(flag.format(**known) for flag in flags)],
            env={
                **os.environ,
                "INTENTFLOW_API_KEY": "x",
                **{name: value.format(**known) for name, value in environment.items()},
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert done.stderr.count("\n") == 1


def test_requests_are_kept_with_their_answer_when_the_service_ends(tmp_path: Path) -> None:
    with (
        played_vllm(tmp_path, free_port()) as predictor,
        transformer(tmp_path, predictor) as found,
    ):
        found.client().post("/v1/models/intent:predict", json={"instances": ["weather?"]})
    rows = _rows(found.kept, "requests")
    assert [row["prediction"] for row in rows] == ["weather_search(Hangzhou)"]


def test_a_predictor_that_was_killed_costs_errors_only_while_it_is_away(tmp_path: Path) -> None:
    port = free_port()
    first = ExitStack()
    predictor = first.enter_context(played_vllm(tmp_path, port))
    with transformer(tmp_path, predictor) as found:
        client = found.client()
        first.close()
        away = client.post("/v1/models/intent:predict", json={"instances": ["weather?"]})
        with played_vllm(tmp_path, port):
            back = client.post("/v1/models/intent:predict", json={"instances": ["weather?"]})
    assert (away.status_code, back.status_code) == (503, 200)


def test_feedback_is_taken_while_the_predictor_is_away(tmp_path: Path) -> None:
    first = ExitStack()
    predictor = first.enter_context(played_vllm(tmp_path, free_port()))
    with transformer(tmp_path, predictor) as found:
        first.close()
        row = {"utterance": "x", "output": "play_music()"}
        assert found.client().post("/feedback", json=row).status_code == 201


def test_a_value_that_the_taxonomy_does_not_list_is_refused_with_those_it_does() -> None:
    intent = Intent(parameters=["class"], values={"class": ["economy", "first"]})
    taxonomy = Taxonomy(intents={"fly": intent})
    body = CorrectionRequest(utterance="a seat in cargo", output="fly(cargo)")
    with pytest.raises(ReplyError, match="class of fly is one of economy, first") as caught:
        read_correction(body, taxonomy, Limits())
    assert caught.value.status == 422
