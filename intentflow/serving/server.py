"""Serving a model directory locally: with vLLM where it is installed, else in process."""

from __future__ import annotations

import logging
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from intentflow.config import Flag, StrictModel
from intentflow.errors import UsageError
from intentflow.inference.vllm_installation import VLLM_PYTHON, local_engine, vllm_python
from intentflow.inference.vllm_process import SERVED_NAME, running_vllm
from intentflow.persons import PersonKey
from intentflow.serving.environment import LOG_URI, read_access, read_sample_rate
from intentflow.serving.limits import Limits
from intentflow.serving.ports import require_free_port

if TYPE_CHECKING:
    from intentflow.serving.backend import Backend
    from intentflow.serving.model_files import ServedModel
    from intentflow.serving.request_log import RequestLog
    from intentflow.serving.tokens import Keys

log = logging.getLogger(__name__)

_PRODUCT_CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")

EngineName = Literal["auto", "vllm", "transformers"]


class ServeConfig(StrictModel):
    """Configuration of ``intentflow serve``."""

    model: Annotated[str, Flag(metavar="DIR")] = Field(description="Model directory")
    port: Annotated[int, Flag(metavar="N")] = Field(8000, description="Port to listen on")
    host: Annotated[str, Flag(metavar="ADDRESS")] = Field(
        "127.0.0.1", description="Address to listen on"
    )
    engine: EngineName = Field(
        "auto",
        description="Engine that answers; auto: vLLM if it is installed or "
        f"{VLLM_PYTHON} names a Python that has it, otherwise transformers",
    )
    name: Annotated[str, Flag(metavar="NAME")] = Field(
        "intent", description="Name of the served model"
    )
    constrained: bool = Field(True, description="Constrain answers to the taxonomy")
    log: Annotated[str | None, Flag(metavar="DIR|URI")] = Field(
        None,
        description="Folder or s3:// where requests and corrections are kept, without personal "
        f"data (default: {LOG_URI}; without either, /feedback is refused)",
    )
    metrics_port: Annotated[int, Flag(metavar="N")] = Field(
        0, description="Port of the Prometheus metrics; 0 for none"
    )
    timeout_seconds: Annotated[float, Flag(metavar="S")] = Field(
        600.0, gt=0, description="Maximum seconds for one answer"
    )
    max_concurrent: Annotated[int, Flag(metavar="N")] = Field(
        256, ge=1, description="Maximum number of requests in work and waiting; more get 429"
    )


def serve(config: ServeConfig) -> None:
    """Serve until interrupted.

    Clients need a token where ``INTENTFLOW_API_KEYS_FILE`` or ``INTENTFLOW_API_KEY`` is set.

    Raises:
        IntentflowError: Not a model, a port in use, a log folder that cannot be written, or vLLM
            asked for and not installed.
    """
    from intentflow.models.directory import check_model_directory
    from intentflow.serving.model_files import read_served_model
    from intentflow.serving.request_log import RequestLog
    from intentflow.serving.tokens import Keys

    folder = check_model_directory(config.model)
    require_free_port(config.host, config.port)
    if config.metrics_port:
        require_free_port(config.host, config.metrics_port, "--metrics-port")
    if config.metrics_port == config.port:
        raise UsageError(f"--metrics-port {config.port} is that of --port: choose another one")
    access = read_access(os.environ)
    keys = Keys(access.keys_file, access.key)
    model = read_served_model(str(folder), constrained=config.constrained)
    uri = config.log or os.environ.get(LOG_URI) or None
    request_log = RequestLog(uri, read_sample_rate(os.environ), model, PersonKey.find())
    start = _vllm if local_engine(config.engine, folder) == "vllm" else _in_process
    with start(folder, model, config) as backend:
        _listen(config, model, backend, request_log, keys)


def _listen(
    config: ServeConfig, model: ServedModel, backend: Backend, request_log: RequestLog, keys: Keys
) -> None:
    from intentflow.serving.app import create_app
    from intentflow.serving.listen import listen
    from intentflow.serving.service import Service

    limits = Limits(max_concurrent=config.max_concurrent, timeout_seconds=config.timeout_seconds)
    backends = {model.model_digest: backend} if model.model_digest else {}
    service = Service(config.name, model, backend, request_log, limits, backends)
    host = f"[{config.host}]" if ":" in config.host else config.host
    url = f"http://{host}:{config.port}/v1"
    log.info("serving %s on %s", config.name, url)
    listen(create_app(service, keys, config.host), config.host, config.port, config.metrics_port)


@contextmanager
def _vllm(folder: Path, model: ServedModel, config: ServeConfig) -> Iterator[Backend]:
    """Start vLLM on loopback with its own key, so nobody bypasses the tokens and the constraint."""
    from intentflow.serving.vllm_client import VllmBackend

    key = secrets.token_urlsafe()
    with running_vllm(vllm_python() or sys.executable, folder, key) as server:
        seconds = config.timeout_seconds
        yield VllmBackend(server.url, SERVED_NAME, model, key=key, timeout_seconds=seconds)


def _limit_compiled_products() -> None:
    """Have oneDNN and its caller in torch keep fewer compiled products than 1,024 each.

    They compile one for each number of tokens, and clients who are answered together send every
    number: a tiny model took 0.8 GB for them, with this limit 0.26 GB, and was no slower.
    """
    for name in _PRODUCT_CACHES:
        os.environ.setdefault(name, "256")


@contextmanager
def _in_process(folder: Path, model: ServedModel, config: ServeConfig) -> Iterator[Backend]:
    from intentflow.inference.transformers_engine import TransformersEngine
    from intentflow.serving.local_backend import LocalBackend

    _limit_compiled_products()
    log.info("loading %s", folder)
    yield LocalBackend(TransformersEngine(folder, constrained=config.constrained), model)
