"""A transformer as its container starts it, before a process that plays vLLM."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from intentflow.prompts import PromptSpec
from intentflow.taxonomy import Intent, Taxonomy
from tests.real_parts.process import free_port, running

TAXONOMY = Taxonomy(
    intents={
        "weather_search": Intent(parameters=["place"], min_parameters=1),
        "play_music": Intent(parameters=["artist"]),
    },
    out_of_scope="oos",
)
TOKEN = "first-token"
PREDICTOR_KEY = "between-the-two"


@dataclass(frozen=True)
class Running:
    """Where a transformer listens, and what it was given."""

    url: str
    metrics_url: str
    keys_file: Path
    kept: Path
    model: Path
    predictor: str

    def client(self, token: str | None = TOKEN) -> httpx.Client:
        """A client with a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)


def write_model(folder: Path) -> Path:
    """The small files of a model directory."""
    folder.mkdir(parents=True)
    prompt = PromptSpec.build(taxonomy=TAXONOMY, taxonomy_in_prompt="names")
    (folder / "prompt.json").write_text(prompt.model_dump_json())
    TAXONOMY.write(folder / "taxonomy.yaml")
    return folder


@contextmanager
def played_vllm(folder: Path, port: int, *answer: str) -> Iterator[str]:
    """A process that plays vLLM, with an answer of its own where one is given."""
    command = [sys.executable, "-m", "tests.serving.transformer.played_vllm", str(port), *answer]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder / f"vllm-{port}.log", lambda: up(f"{url}/health")):
        yield url


@contextmanager
def transformer(
    folder: Path,
    predictor: str,
    *flags: str,
    log_uri: str | None = None,
    name: str = "intent",
    model: Path | None = None,
) -> Iterator[Running]:
    """The container's command."""
    port, metrics = free_port(), free_port()
    keys = folder / "token"
    keys.write_text(f"{TOKEN}\n")
    kept = folder / "kept"
    model = model or folder / "model"
    if not model.exists():
        write_model(model)
    arguments = [
        f"--model_name={name}",
        f"--model_uri={model}",
        f"--predictor_host={predictor.removeprefix('http://')}",
        f"--http_port={port}",
        f"--metrics_port={metrics}",
        *flags,
    ]
    environment = {
        **os.environ,
        "INTENTFLOW_API_KEYS_FILE": str(keys),
        "VLLM_API_KEY": PREDICTOR_KEY,
        "INTENTFLOW_LOG_URI": log_uri or str(kept),
        "OMP_NUM_THREADS": "1",
    }
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "intentflow.serving.transformer", *arguments]
    log = folder / "transformer.log"
    with running(command, log, lambda: up(f"{url}/healthz/ready"), env=environment):
        yield Running(url, f"http://127.0.0.1:{metrics}", keys, kept, model, predictor)


def up(url: str) -> bool:
    """Whether a route says 200."""
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tests that change nothing of it."""
    folder = tmp_path_factory.mktemp("transformer")
    with played_vllm(folder, free_port()) as predictor:
        flags = ["--timeout_seconds=2", "--max_body_bytes=20000", "--max_instances=4"]
        with transformer(folder, predictor, *flags) as found:
            yield found
