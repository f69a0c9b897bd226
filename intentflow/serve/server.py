"""Serving on this machine: vLLM where it is installed, else our own thin route."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from intentflow.inference.vllm_process import running_vllm, serving_engine, vllm_python
from intentflow.serve.ports import require_free_port

if TYPE_CHECKING:
    from intentflow.serve.chat import Chat

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
        constrained: Keep answers inside the taxonomy.

    Returns:
        The server's exit status.

    Raises:
        IntentflowError: Not a model, a port in use, or vLLM asked for and not installed.
    """
    from intentflow.models.directory import check_model_directory

    folder = check_model_directory(model)
    require_free_port(host, port)
    start = _serve_with_vllm if serving_engine(engine) == "vllm" else _serve_here
    start(folder, host, port, name, constrained)
    return 0


def _serve_with_vllm(folder: Path, host: str, port: int, name: str, constrained: bool) -> None:
    """vLLM on loopback behind our own route, which adds the taxonomy to every request."""
    from intentflow.serve.vllm_chat import VllmChat

    key = secrets.token_urlsafe()  # nobody gets past the route's own key and the constraint
    with running_vllm(vllm_python() or sys.executable, folder, key) as url:
        _listen(VllmChat(url, folder, constrained=constrained, key=key), host, port, name)


def _serve_here(folder: Path, host: str, port: int, name: str, constrained: bool) -> None:
    from intentflow.inference.transformers_engine import TransformersEngine
    from intentflow.serve.chat import LocalChat

    print(f"loading {folder}", file=sys.stderr, flush=True)
    engine = TransformersEngine(folder, constrained=constrained)
    _listen(LocalChat(engine), host, port, name)


def _listen(chat: Chat, host: str, port: int, name: str) -> None:
    import uvicorn

    from intentflow.serve.api import create_app

    app = create_app(chat, name, os.environ.get(API_KEY))
    print(f"serving {name} on http://{host}:{port}/v1", file=sys.stderr, flush=True)
    with suppress(KeyboardInterrupt):  # how a server is ended; uvicorn passes it on when done
        uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=10)
