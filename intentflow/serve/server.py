"""Starting a server on this machine: vLLM where it is installed, else our own thin route."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal

from intentflow.errors import IntentflowError

EngineName = Literal["auto", "vllm", "transformers"]
API_KEY = "INTENTFLOW_API_KEY"


def serve(
    model: str,
    *,
    port: int = 8000,
    host: str = "127.0.0.1",
    engine: EngineName = "auto",
    name: str = "intent",
    constrained: bool = True,
) -> int:
    """Serve a model directory until interrupted.

    ``/v1`` demands a bearer token where ``INTENTFLOW_API_KEY`` is set.

    Args:
        model: A model directory.
        port: To listen on.
        host: Address to listen on.
        engine: ``auto`` takes vLLM where it is installed.
        name: What the model is called in ``/v1/models``.
        constrained: Keep answers inside the taxonomy (transformers engine).

    Returns:
        The server's exit status.

    Raises:
        IntentflowError: Not a model, a port in use, or vLLM asked for and not installed.
    """
    from intentflow.train.export import check_model_directory

    folder = check_model_directory(model)
    _refuse_used_port(host, port)
    has_vllm = importlib.util.find_spec("vllm") is not None
    if engine == "vllm" and not has_vllm:
        raise IntentflowError("vllm is not installed here: use --engine transformers")
    if engine == "vllm" or (engine == "auto" and has_vllm):
        return subprocess.call(vllm_command(folder, host, port, name), env=_vllm_environment())
    _serve_here(folder, host, port, name, constrained)
    return 0


def vllm_command(folder: Path, host: str, port: int, name: str) -> list[str]:
    """The command that serves a model directory with vLLM, greedy by default."""
    from intentflow.deploy import read_facts

    length = read_facts(str(folder)).served_length
    return [
        sys.executable,
        *("-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(folder)),
        *("--served-model-name", name),
        *("--host", host),
        *("--port", str(port)),
        *(["--max-model-len", str(length)] if length else []),
        *("--override-generation-config", '{"temperature": 0}'),
    ]


def _vllm_environment() -> dict[str, str]:
    key = os.environ.get(API_KEY)
    return {**os.environ, **({"VLLM_API_KEY": key} if key else {})}


def _serve_here(folder: Path, host: str, port: int, name: str, constrained: bool) -> None:
    import uvicorn

    from intentflow.evaluate.transformers_engine import TransformersEngine
    from intentflow.serve.api import create_app

    print(f"loading {folder}", file=sys.stderr, flush=True)
    loaded = TransformersEngine(folder, constrained=constrained)
    app = create_app(loaded, name, os.environ.get(API_KEY))
    print(f"serving {name} on http://{host}:{port}/v1", file=sys.stderr, flush=True)
    with suppress(KeyboardInterrupt):  # how a server is ended; uvicorn passes it on when done
        uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=10)


def _refuse_used_port(host: str, port: int) -> None:
    if not 0 < port < 65536:
        raise IntentflowError(f"--port {port}: a port lies between 1 and 65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise IntentflowError(
                f"port {port} on {host} cannot be used ({error.strerror}): choose another --port"
            ) from None
