"""KServe's model server with the intent model in it."""

from __future__ import annotations

import sys
from typing import Any

from intentflow.serve.ports import require_free_port
from intentflow.serve.transformer.errors import ServiceError
from intentflow.serve.transformer.model_files import read_model_facts
from intentflow.serve.transformer.settings import Settings

_EVERYWHERE = "0.0.0.0"
"""A container's ports are its network policy's to guard."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM; what runs by then is answered, what is kept is written.

    Raises:
        IntentflowError: The model's files, the tokens or the log storage cannot be used.
    """
    require_free_port(_EVERYWHERE, settings.http_port, "--http_port")
    if settings.metrics_port:
        require_free_port(_EVERYWHERE, settings.metrics_port, "--metrics_port")
    facts = read_model_facts(settings.model_uri)
    server, app = _model_server(settings)
    model = _wire(app, settings, facts)
    if settings.metrics_port:
        from prometheus_client import start_http_server

        start_http_server(settings.metrics_port)
    server.start([model])


def _model_server(settings: Settings) -> tuple[Any, Any]:
    """KServe's server reads the command line when it is imported: it is shown none of ours."""
    arguments, sys.argv = sys.argv, sys.argv[:1]
    try:
        from kserve import ModelServer, model_server
        from kserve.predictor_config import PredictorConfig
    finally:
        sys.argv = arguments
    config = PredictorConfig(predictor_host=settings.predictor_url)
    server = ModelServer(
        http_port=settings.http_port,
        enable_grpc=False,
        enable_latency_logging=False,
        predictor_config=config,
    )
    return server, model_server.app


def _wire(app: Any, settings: Settings, facts: Any) -> Any:
    """Put routes and guard into the application; returns the model."""
    from fastapi import Request
    from fastapi.responses import JSONResponse

    from intentflow.serve.transformer.middleware import Guard
    from intentflow.serve.transformer.model import IntentModel
    from intentflow.serve.transformer.recognizer import Understander
    from intentflow.serve.transformer.request_log import Keeper
    from intentflow.serve.transformer.routes import Parts, make_router
    from intentflow.serve.transformer.tokens import Keys
    from intentflow.serve.transformer.traffic_split import Predictors

    predictor = Predictors(settings, facts)
    keeper = Keeper(settings.log_uri, settings.log_sample_rate, facts)
    app.openapi_url = None
    understander = Understander(predictor)
    parts = Parts(settings.model_name, predictor, understander, facts, keeper)
    app.include_router(make_router(parts))

    @app.exception_handler(ServiceError)  # type: ignore[untyped-decorator]
    async def refused(request: Request, error: ServiceError) -> JSONResponse:
        headers = {}
        if error.retry_after_seconds is not None:
            headers["Retry-After"] = str(error.retry_after_seconds)
        return JSONResponse(error.document(request.url.path), error.status, headers)

    app.add_middleware(Guard, settings=settings, keys=Keys(settings.keys_file, settings.key))
    _during(app, keeper, predictor)
    return IntentModel(settings.model_name, understander, keeper, settings.most_instances)


def _during(app: Any, keeper: Any, predictor: Any) -> None:
    """Start and end what runs beside the requests."""
    from collections.abc import AsyncIterator
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        keeper.start()
        yield
        await keeper.stop()
        await predictor.close()

    app.router.lifespan_context = lifespan
