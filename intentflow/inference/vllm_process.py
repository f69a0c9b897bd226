"""A local vLLM server: its command, its environment, and its process."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.errors import ServiceError
from intentflow.inference.vllm_installation import has_accelerator
from intentflow.io.child_processes import ChildServer, end_with_parent, exit_text, stop_session
from intentflow.models.precision import cpu_precision

if TYPE_CHECKING:
    from intentflow.models.model_facts import ModelFacts

log = logging.getLogger(__name__)

VLLM_START_SECONDS = 1800
"""Maximum time for the start of a server, for large weights on slow disks."""

GRAMMAR_BACKEND = "guidance"
"""The backend of vLLM's structured outputs that the taxonomy's grammar is written for."""

_16_BITS = ("bfloat16", "float16")
_MAX_SHARE_OF_MEMORY = 0.8

_LOOPBACK = "127.0.0.1"
SERVED_NAME = "intent"
"""Name of the model in a local server."""

_LOG_INTERVAL_SECONDS = 15.0
_STOP_SECONDS = 20.0
_CAUSE = re.compile(r"^.*?(\w+(?:Error|Exception|Interrupt): .*)$")
_MAX_CAUSES = 3


def vllm_command(python: str, folder: Path, host: str, port: int, name: str) -> list[str]:
    """The command that serves a model directory with vLLM: greedy decoding, grammars enabled.

    Reported probabilities are those of the constrained choice. 16-bit weights are computed with in
    32 bits on a CPU that would emulate 16 bits, as by the transformers engine.
    """
    from intentflow.models.model_facts import read_facts

    facts = read_facts(str(folder))
    length = facts.served_length
    on_gpu = has_accelerator(python)
    dtype = "float32" if not on_gpu and _takes_32_bits(folder, facts) else facts.dtype
    return [
        python,
        *("-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(folder)),
        *("--served-model-name", name),
        *("--host", host),
        *("--port", str(port)),
        *("--dtype", dtype),
        *(["--max-model-len", str(length)] if length else []),
        *("--override-generation-config", '{"temperature": 0}'),
        *("--structured-outputs-config", json.dumps({"backend": GRAMMAR_BACKEND})),
        *("--logprobs-mode", "processed_logprobs"),
        *(["--max-logprobs", str(facts.max_logprobs)] if facts.max_logprobs else []),
        # Without a GPU nothing is compiled; small blocks let short prompts use the prefix cache.
        *([] if on_gpu else ["--block-size", "32", "--enforce-eager"]),
    ]


def _takes_32_bits(folder: Path, facts: ModelFacts) -> bool:
    """Whether a CPU computes faster with these weights in 32 bits, and has the memory for them."""
    import psutil

    if facts.quantization or facts.dtype not in _16_BITS or cpu_precision() == "bf16":
        return False
    saved = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return 2 * saved < _MAX_SHARE_OF_MEMORY * psutil.virtual_memory().available


def vllm_environment(api_key: str | None = None) -> dict[str, str]:
    """The environment variables of a vLLM process."""
    environment = {name: value for name, value in os.environ.items() if name != "VLLM_API_KEY"}
    # On a CPU, vLLM would take half of the memory for keys and values.
    environment.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    return {**environment, **({"VLLM_API_KEY": api_key} if api_key else {})}


@contextmanager
def running_vllm(python: str, folder: Path, api_key: str | None = None) -> Iterator[ChildServer]:
    """Run a server for a model directory on loopback until the block ends.

    Args:
        python: Python of the environment in which vLLM is installed.
        folder: The model directory.
        api_key: Key that ``/v1`` requires; None for none.

    Yields:
        The server.

    Raises:
        ServiceError: The server does not start; the message has the errors of its log.
    """
    url = f"http://{_LOOPBACK}:{_free_port()}"
    port = int(url.rpartition(":")[2])
    command = vllm_command(python, folder, _LOOPBACK, port, SERVED_NAME)
    with tempfile.TemporaryDirectory() as work:
        log_file = Path(work) / "vllm.log"
        with log_file.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=vllm_environment(api_key),
                start_new_session=True,  # this process handles Ctrl-C
                preexec_fn=end_with_parent,
            )
        server = ChildServer("vllm", url, process, log_file, _cause)
        try:
            _wait(server)
            yield server
        finally:
            stop_session(process, _STOP_SECONDS)


def running_version(url: str) -> str:
    """The version that a running server states.

    Args:
        url: URL of the server, without ``/v1``.

    Raises:
        ServiceError: The server states no version.
    """
    try:
        with urllib.request.urlopen(f"{url}/version", timeout=10) as reply:
            version = json.load(reply)["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceError(f"vllm does not state its version at {url}/version: {error}") from None
    return str(version)


def _wait(server: ChildServer) -> None:
    started = logged = time.monotonic()
    log.info("vllm: starting")
    while not server.answers("/health"):
        now = time.monotonic()
        if (status := server.process.poll()) is not None:
            reason = f"it ended with {exit_text(status)}"
            raise ServiceError(f"vllm did not start, {reason}: {_cause(server.log_file)}")
        if now - started > VLLM_START_SECONDS:
            raise ServiceError(
                f"vllm is not ready after {now - started:.0f} s: {_cause(server.log_file)}"
            )
        if now - logged > _LOG_INTERVAL_SECONDS:
            logged = now
            log.info("vllm: starting for %.0f s", now - started)
        time.sleep(0.2)
    log.info("vllm: ready after %.0f s", time.monotonic() - started)


def _cause(log_file: Path) -> str:
    """The first errors of the log; later ones are their consequences."""
    lines = [
        line.strip() for line in log_file.read_text("utf-8", "replace").splitlines() if line.strip()
    ]
    causes = [found[1] for line in lines if (found := _CAUSE.match(line))]
    shown = list(dict.fromkeys(causes))[:_MAX_CAUSES] or lines[-_MAX_CAUSES:]
    return " | ".join(line[:300] for line in shown) or "its log is empty"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])
