"""vLLM and the transformer in front of it, as benchmarks start them on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from intentflow.inference.engines import MAX_NEW_TOKENS
from intentflow.inference.vllm_installation import vllm_python
from intentflow.inference.vllm_process import vllm_command, vllm_environment
from intentflow.serving.model_files import read_served_model

TOKEN = "of-the-benchmark"
START_SECONDS = 300

Ask = Callable[[str], Awaitable[str]]


class ServicePair:
    """vLLM and the transformer in front of it, on this computer."""

    def __init__(self, model: Path, work: Path) -> None:
        self.model = model
        self._work = work
        self._port, port, self._metrics = (_free_port() for _ in range(3))
        self.vllm_url = f"http://127.0.0.1:{self._port}"
        self.url = f"http://127.0.0.1:{port}"
        self._vllm: subprocess.Popen[bytes] | None = None
        self._served = read_served_model(str(model))

    def start_vllm(self, *options: str) -> None:
        """Start it, with further options of its command, and wait until it is up."""
        python = vllm_python()
        if python is None:
            raise SystemExit("vllm is not here: name its Python in INTENTFLOW_VLLM_PYTHON")
        command = vllm_command(python, self.model, "127.0.0.1", self._port, "intent")
        command += options
        with (self._work / "vllm.log").open("ab") as log:
            self._vllm = subprocess.Popen(
                command, stdout=log, stderr=log, env=vllm_environment(), start_new_session=True
            )
        _wait(f"{self.vllm_url}/health", self._vllm)

    def kill_vllm(self) -> None:
        """Without any warning, its workers as well."""
        assert self._vllm is not None
        os.killpg(self._vllm.pid, signal.SIGKILL)
        self._vllm.wait()

    def stop_vllm(self) -> None:
        """At the end."""
        if self._vllm and self._vllm.poll() is None:
            self.kill_vllm()

    @contextmanager
    def transformer(self) -> Iterator[None]:
        """The container's command."""
        keys = self._work / "token"
        keys.write_text(TOKEN)
        command = [
            *(sys.executable, "-m", "intentflow.serving.transformer", f"--model_uri={self.model}"),
            f"--predictor_host={self.vllm_url.removeprefix('http://')}",
            f"--http_port={self.url.rpartition(':')[2]}",
            f"--metrics_port={self._metrics}",
        ]
        environment = {
            **os.environ,
            "INTENTFLOW_API_KEYS_FILE": str(keys),
            "INTENTFLOW_LOG_URI": str(self._work / "kept"),
        }
        with (self._work / "transformer.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            _wait(f"{self.url}/healthz/ready", process)
            yield
        finally:
            process.terminate()
            process.wait()

    def directly(self, client: httpx.AsyncClient, texts: Sequence[str]) -> Ask:
        """The request that the transformer makes, made by the client.

        A classifier's biases are found before, so that their time counts for the transformer alone.
        """
        structure = self._served.structure
        biases = {text: structure.biases(text) for text in texts}
        intents = structure.intents if self._served.ranks_for_scope else None
        likely = {"top_logprobs": len(intents.ids)} if intents else {}

        async def ask(text: str) -> str:
            fields = {"logprobs": True, **likely, **structure.request(biases[text], text)}
            return await self._completion(client, text, fields)

        return ask

    def plainly(self, client: httpx.AsyncClient) -> Ask:
        """A request to vLLM as anybody makes it: the grammar, and no probabilities."""

        async def ask(text: str) -> str:
            fields = self._served.structure.request(utterance=text)
            return await self._completion(client, text, fields)

        return ask

    async def _completion(
        self, client: httpx.AsyncClient, text: str, fields: dict[str, Any]
    ) -> str:
        body = {
            "model": "intent",
            "messages": [{"role": "user", "content": text}],
            "temperature": 0,
            "max_completion_tokens": MAX_NEW_TOKENS,
            **fields,
        }
        reply = await client.post(f"{self.vllm_url}/v1/chat/completions", json=body)
        return str(reply.raise_for_status().json()["choices"][0]["message"]["content"]).strip()

    def through(self, client: httpx.AsyncClient) -> Ask:
        """The typed route."""

        async def ask(text: str) -> str:
            url = f"{self.url}/v1/models/intent:predict"
            reply = await client.post(url, json={"instances": [text]}, headers=bearer())
            return str(reply.raise_for_status().json()["predictions"][0]["text"])

        return ask

    def kept_corrections(self) -> set[str]:
        """The ids in storage."""
        files = (self._work / "kept" / "feedback").rglob("*.jsonl")
        return {
            json.loads(line)["request_id"]
            for file in files
            for line in file.read_text(encoding="utf-8").splitlines()
        }


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"{url} did not come up")


def bearer() -> dict[str, str]:
    """The header of every request to the transformer."""
    return {"Authorization": f"Bearer {TOKEN}"}


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
