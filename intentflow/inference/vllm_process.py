"""A local vLLM server: its installation, its command, and its process."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from intentflow.errors import InputError, ServiceError, UsageError

log = logging.getLogger(__name__)

VLLM_PYTHON = "INTENTFLOW_VLLM_PYTHON"
"""Environment variable: the Python of another environment in which vLLM is installed."""

VLLM_START_SECONDS = 1800
"""Maximum time for the start of a server, for large weights on slow disks."""

GRAMMAR_BACKEND = "guidance"
"""The backend of vLLM's structured outputs that the taxonomy's grammar is written for."""

LocalEngine = Literal["vllm", "transformers"]

_LOOPBACK = "127.0.0.1"
SERVED_NAME = "intent"
"""Name of the model in a local server."""

_LOG_INTERVAL_SECONDS = 15.0
_STOP_SECONDS = 20.0
_CAUSE = re.compile(r"^.*?(\w+(?:Error|Exception|Interrupt): .*)$")
_MAX_CAUSES = 3


def serving_engine(requested: str = "auto") -> LocalEngine:
    """The engine that serves a model directory locally, which is also the one to score it with.

    Args:
        requested: ``vllm``, ``transformers``, or ``auto`` for vLLM if it is installed.

    Raises:
        UsageError: vLLM is requested but not installed.
    """
    if requested == "transformers":
        return "transformers"
    found = vllm_python()
    if requested == "vllm" and found is None:
        raise UsageError(
            "vllm is not installed: use --engine transformers, or set "
            f"{VLLM_PYTHON} to the Python of an environment that has it"
        )
    return "vllm" if found else "transformers"


def vllm_python() -> str | None:
    """The Python that can start vLLM: the one in the environment variable, or this one.

    Raises:
        InputError: The variable does not name a program.
    """
    named = os.environ.get(VLLM_PYTHON)
    if named:
        if shutil.which(named) is None:
            raise InputError(f"{VLLM_PYTHON} is {named}, which is not a program")
        return named
    return sys.executable if importlib.util.find_spec("vllm") is not None else None


def vllm_command(python: str, folder: Path, host: str, port: int, name: str) -> list[str]:
    """The command that serves a model directory with vLLM: greedy decoding, grammars enabled.

    Reported probabilities are those of the constrained choice.
    """
    from intentflow.models.model_facts import read_facts

    facts = read_facts(str(folder))
    length = facts.served_length
    return [
        python,
        *("-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(folder)),
        *("--served-model-name", name),
        *("--host", host),
        *("--port", str(port)),
        *("--dtype", facts.dtype),
        *(["--max-model-len", str(length)] if length else []),
        *("--override-generation-config", '{"temperature": 0}'),
        *("--structured-outputs-config", json.dumps({"backend": GRAMMAR_BACKEND})),
        *("--logprobs-mode", "processed_logprobs"),
        *(["--max-logprobs", str(facts.max_logprobs)] if facts.max_logprobs else []),
        # Without a GPU nothing is compiled; small blocks let short prompts use the prefix cache.
        *([] if _has_accelerator(python) else ["--block-size", "32", "--enforce-eager"]),
    ]


def vllm_environment(api_key: str | None = None) -> dict[str, str]:
    """The environment variables of a vLLM process."""
    environment = {name: value for name, value in os.environ.items() if name != "VLLM_API_KEY"}
    # On a CPU, vLLM would take half of the memory for keys and values.
    environment.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    return {**environment, **({"VLLM_API_KEY": api_key} if api_key else {})}


@contextmanager
def running_vllm(python: str, folder: Path, api_key: str | None = None) -> Iterator[str]:
    """Run a server for a model directory on loopback until the block ends.

    Args:
        python: Python of the environment in which vLLM is installed.
        folder: The model directory.
        api_key: Key that ``/v1`` requires; None for none.

    Yields:
        Its URL.

    Raises:
        ServiceError: It does not start; the message has the errors of its log.
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
                preexec_fn=_end_with_parent,
            )
        try:
            _wait(process, f"{url}/health", log_file)
            yield url
        finally:
            _stop(process)


def running_version(url: str) -> str:
    """The version that a running server states.

    Args:
        url: Its URL, without ``/v1``.

    Raises:
        ServiceError: It states none.
    """
    try:
        with urllib.request.urlopen(f"{url}/version", timeout=10) as reply:
            version = json.load(reply)["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceError(f"vllm does not state its version at {url}/version: {error}") from None
    return str(version)


def _wait(process: subprocess.Popen[bytes], health: str, log_file: Path) -> None:
    started = logged = time.monotonic()
    log.info("vllm: starting")
    while not _answers(health):
        now = time.monotonic()
        if process.poll() is not None:
            raise ServiceError(f"vllm did not start: {_cause(log_file)}")
        if now - started > VLLM_START_SECONDS:
            raise ServiceError(f"vllm is not ready after {now - started:.0f} s: {_cause(log_file)}")
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


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server and its child processes."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # its session, with all remaining processes
    process.wait()


def _has_accelerator(python: str) -> bool:
    """Whether the environment of vLLM has a GPU; its CPU build has none."""
    code = "import sys, torch; sys.exit(not torch.accelerator.is_available())"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _end_with_parent() -> None:
    """Let the kernel end the server with this process, even if that is killed."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
