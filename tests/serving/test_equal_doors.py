"""One fused model through every door in float32: the same answers and rankings, row by row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from fastapi.testclient import TestClient

from intentflow.evaluation.run import evaluate_model
from intentflow.inference.engines import Answer
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.inference.vllm_process import SERVED_NAME, running_vllm
from intentflow.models.base_models import load_model
from intentflow.models.model_facts import read_facts
from intentflow.serving.app import create_app
from intentflow.serving.backend import Backend
from intentflow.serving.limits import Limits
from intentflow.serving.local_backend import LocalBackend
from intentflow.serving.model_files import read_served_model
from intentflow.serving.request_log import RequestLog
from intentflow.serving.service import Service
from intentflow.serving.tokens import Keys
from intentflow.serving.vllm_client import VllmBackend
from tests.evaluation.test_fuse import CONTRARY, fuse
from tests.models import TAXONOMY, one_thread, rows

pytestmark = pytest.mark.real

EXAMPLES = rows(4)
CLOSE = 1e-4


@dataclass(frozen=True)
class Door:
    """What a door gives for each row: the text, and the intents by probability."""

    texts: list[str]
    rankings: list[dict[str, float]]


@pytest.fixture(scope="module")
def model(ranking_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose classifier contradicts it, so that a door without it would be noticed."""
    folder = tmp_path_factory.mktemp("doors") / "model"
    shutil.copytree(ranking_model, folder)
    load_model(str(folder), dtype=torch.float32).save_pretrained(folder)
    fuse(folder, CONTRARY, weight=1.0)
    assert read_facts(str(folder)).dtype == "float32"
    return folder


@pytest.fixture(scope="module")
def engine(model: Path) -> Iterator[TransformersEngine]:
    with one_thread():
        yield TransformersEngine(model, constrained=True, precision="fp32")


@pytest.fixture(scope="module")
def evaluated(engine: TransformersEngine) -> Door:
    answers: list[Answer] = engine.answer([row.instruction for row in EXAMPLES])
    return Door([it.text for it in answers], [dict(it.ranking or {}) for it in answers])


@pytest.fixture(scope="module")
def vllm(model: Path, vllm_program: Path) -> Iterator[str]:
    with running_vllm(str(vllm_program), model) as server:
        yield server.url


def _predicted(folder: Path, backend: Backend) -> Door:
    """The answers of the typed route."""
    served = read_served_model(str(folder))
    limits = Limits(max_instances=len(EXAMPLES), timeout_seconds=300)
    service = Service("intent", served, backend, RequestLog(None, 1.0, served), limits)
    body = {"instances": [row.instruction for row in EXAMPLES], "top_k": len(TAXONOMY.intents)}
    with TestClient(create_app(service, Keys(None, None))) as client:
        reply = client.post("/v1/models/intent:predict", json=body)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["predictions"]
    return Door(
        [one["text"] for one in found],
        [{it["intent"]: it["probability"] for it in one["ranking"]} for one in found],
    )


def _require_equal(door: Door, evaluated: Door) -> None:
    assert door.texts == evaluated.texts
    for ours, theirs in zip(door.rankings, evaluated.rankings, strict=True):
        assert ours == pytest.approx(theirs, abs=CLOSE)


def test_the_classifier_decides_some_of_the_rows(engine: TransformersEngine) -> None:
    """Otherwise equal doors would prove nothing about it."""
    answers = engine.answer([row.instruction for row in EXAMPLES])
    changed = [it for it in answers if it.own_intent != next(iter(it.ranking or {}))]
    assert 0 < len(changed) < len(answers)


def test_serve_answers_as_evaluated(
    model: Path, engine: TransformersEngine, evaluated: Door
) -> None:
    _require_equal(
        _predicted(model, LocalBackend(engine, read_served_model(str(model)))), evaluated
    )


def test_the_transformer_before_vllm_answers_as_evaluated(
    model: Path, vllm: str, evaluated: Door
) -> None:
    backend = VllmBackend(vllm, SERVED_NAME, read_served_model(str(model)), timeout_seconds=300)
    _require_equal(_predicted(model, backend), evaluated)


def test_an_evaluation_with_vllm_answers_as_evaluated(
    model: Path, evaluated: Door, vllm_python: Path
) -> None:
    found = evaluate_model(str(model), EXAMPLES, engine="vllm").rows
    door = Door([row.prediction for row in found], [dict(row.ranking or {}) for row in found])
    _require_equal(door, evaluated)


def test_the_classifier_is_plain_data(model: Path) -> None:
    """JSON and safetensors alone, which run no code when they are read."""
    files = {path.name: path for path in (model / "classifier").iterdir()}
    assert set(files) == {"classifier.json", "weights.safetensors"}
    json.loads(files["classifier.json"].read_text())
