"""The transformer: the HTTP application with vLLM behind it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from intentflow.errors import IntentflowError
from intentflow.serving.ports import require_free_port
from intentflow.serving.transformer.settings import Settings

if TYPE_CHECKING:
    from intentflow.serving.backend import Backend
    from intentflow.serving.model_files import ServedModel
    from intentflow.serving.request_log import RequestLog
    from intentflow.serving.transformer.shadow import Shadow

_log = logging.getLogger(__name__)

_EVERYWHERE = "0.0.0.0"
"""A container's ports are its network policy's to guard."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM; requests in progress are answered, and the log is written.

    Raises:
        IntentflowError: The model's files, the tokens or the log storage cannot be used.
    """
    from intentflow.serving.app import create_app
    from intentflow.serving.listen import listen
    from intentflow.serving.request_log import RequestLog
    from intentflow.serving.service import Service
    from intentflow.serving.tokens import Keys

    require_free_port(_EVERYWHERE, settings.http_port, "--http_port")
    if settings.metrics_port:
        require_free_port(_EVERYWHERE, settings.metrics_port, "--metrics_port")
    model = _read(settings.model_uri, settings)
    log = RequestLog(settings.log_uri, settings.log_sample_rate, model, settings.person_key)
    split, by_digest = _backends(settings, model, log)
    service = Service(settings.model_name, model, split, log, settings.limits, by_digest)
    app = create_app(service, Keys(settings.keys_file, settings.key))
    listen(app, _EVERYWHERE, settings.http_port, settings.metrics_port)


def _backends(
    settings: Settings, model: ServedModel, log: RequestLog
) -> tuple[Backend, dict[str, Backend]]:
    """The backend that shares requests out, and that of each model by its digest."""
    from intentflow.serving.transformer.measured import MeasuredBackend
    from intentflow.serving.transformer.shadow import ShadowedBackend
    from intentflow.serving.transformer.traffic_split import SplitBackend

    plain = _vllm(settings, settings.predictor_url, model)
    by_digest = _named(model, plain)
    stable: Backend = MeasuredBackend(plain, "stable")
    shadow = _shadow(settings, log)
    if shadow:
        stable = ShadowedBackend(stable, shadow, settings.shadow_percent)
    canary = None
    if settings.canary_url and settings.canary_model_uri:
        candidate = _read(settings.canary_model_uri, settings)
        plain = _vllm(settings, settings.canary_url, candidate)
        by_digest |= _named(candidate, plain)
        canary = MeasuredBackend(plain, "canary")
    return SplitBackend(stable, canary, settings.canary_percent), by_digest


def _shadow(settings: Settings, log: RequestLog) -> Shadow | None:
    """The shadow; one whose files cannot be read is left out, since no client is to notice it."""
    from intentflow.serving.transformer.measured import MeasuredBackend
    from intentflow.serving.transformer.shadow import Shadow

    if not (settings.shadow_url and settings.shadow_model_uri):
        return None
    try:
        model = _read(settings.shadow_model_uri, settings)
    except IntentflowError as error:
        _log.error("there is no shadow, because its model cannot be read: %s", error)
        return None
    backend = MeasuredBackend(_vllm(settings, settings.shadow_url, model), "shadow")
    return Shadow(backend, log, settings.limits.timeout_seconds)


def _read(uri: str, settings: Settings) -> ServedModel:
    """A model's files; which of the models that share a digest answers is not known."""
    from intentflow.serving.model_files import read_served_model

    model = read_served_model(uri)
    return replace(model, model_digest=None) if settings.shared_digest else model


def _named(model: ServedModel, backend: Backend) -> dict[str, Backend]:
    """The backend by its model's digest; nothing for a folder, which has none in its name."""
    return {model.model_digest: backend} if model.model_digest else {}


def _vllm(settings: Settings, url: str, model: ServedModel) -> Backend:
    from intentflow.serving.vllm_client import VllmBackend

    digest = model.interface_digest if settings.shared_digest else model.model_digest
    key, seconds = settings.predictor_key, settings.limits.timeout_seconds
    return VllmBackend(url, digest or settings.model_name, model, key=key, timeout_seconds=seconds)
