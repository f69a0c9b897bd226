"""Serving a model directory locally: with vLLM where it is installed, else in process."""

from __future__ import annotations

import logging
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from intentflow.config import StrictModel
from intentflow.inference.vllm_process import (
    SERVED_NAME,
    running_vllm,
    serving_engine,
    vllm_python,
)
from intentflow.serving.environment import LOG_URI, read_access, read_sample_rate
from intentflow.serving.limits import Limits
from intentflow.serving.ports import require_free_port

if TYPE_CHECKING:
    from intentflow.serving.backend import Backend
    from intentflow.serving.model_files import ServedModel
    from intentflow.serving.request_log import RequestLog
    from intentflow.serving.tokens import Keys

log = logging.getLogger(__name__)

EngineName = Literal["auto", "vllm", "transformers"]


class ServeConfig(StrictModel):
    """Configuration of ``intentflow serve``."""

    model: str = Field(description="model directory")
    port: int = Field(8000, description="port to listen on")
    host: str = Field("127.0.0.1", description="address to listen on")
    engine: EngineName = Field("auto", description="engine that answers")
    name: str = Field("intent", description="the served model's name")
    constrained: bool = Field(True, description="keep answers inside the taxonomy")
    log: str | None = Field(
        None,
        description="folder or s3:// where requests and corrections are kept, without personal "
        f"data (default {LOG_URI}; without either, /feedback takes none)",
    )
    metrics_port: int = Field(0, description="port of the Prometheus metrics; 0 for none")
    timeout_seconds: float = Field(600.0, gt=0, description="longest time of one request")
    max_concurrent: int = Field(
        256, ge=1, description="requests in work and waiting; more are refused"
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
    access = read_access(os.environ)
    keys = Keys(access.keys_file, access.key)
    model = read_served_model(str(folder), constrained=config.constrained)
    uri = config.log or os.environ.get(LOG_URI) or None
    request_log = RequestLog(uri, read_sample_rate(os.environ), model)
    start = _vllm if serving_engine(config.engine) == "vllm" else _in_process
    with start(folder, model, config) as backend:
        _listen(config, model, backend, request_log, keys)


def _listen(
    config: ServeConfig, model: ServedModel, backend: Backend, request_log: RequestLog, keys: Keys
) -> None:
    from intentflow.serving.app import create_app
    from intentflow.serving.listen import listen
    from intentflow.serving.service import Service

    limits = Limits(max_concurrent=config.max_concurrent, timeout_seconds=config.timeout_seconds)
    service = Service(config.name, model, backend, request_log, limits)
    url = f"http://{config.host}:{config.port}/v1"
    log.info("serving %s on %s", config.name, url)
    listen(create_app(service, keys, config.host), config.host, config.port, config.metrics_port)


@contextmanager
def _vllm(folder: Path, model: ServedModel, config: ServeConfig) -> Iterator[Backend]:
    """Start vLLM on loopback with its own key, so nobody bypasses the tokens and the constraint."""
    from intentflow.serving.vllm_client import VllmBackend

    key = secrets.token_urlsafe()
    with running_vllm(vllm_python() or sys.executable, folder, key) as url:
        seconds = config.timeout_seconds
        yield VllmBackend(url, SERVED_NAME, model, key=key, timeout_seconds=seconds)


@contextmanager
def _in_process(folder: Path, model: ServedModel, config: ServeConfig) -> Iterator[Backend]:
    from intentflow.inference.transformers_engine import TransformersEngine
    from intentflow.serving.local_backend import LocalBackend

    log.info("loading %s", folder)
    yield LocalBackend(TransformersEngine(folder, constrained=config.constrained), model)
