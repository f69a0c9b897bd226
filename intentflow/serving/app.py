"""The HTTP application of a service, the same for ``intentflow serve`` and in a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Security, params
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.types import Lifespan

from intentflow.serving.errors import ReplyError
from intentflow.serving.middleware import Guard
from intentflow.serving.routes import feedback, health, kserve, openai
from intentflow.serving.service import Service
from intentflow.serving.tokens import Keys
from intentflow.version import __version__

# FastAPI's own words for what Python's parser of JSON does not take.
_BODY_FAULTS = {
    "There was an error parsing the body": "the request's JSON is nested too deeply, or has a "
    "number of too many digits"
}
_TOKEN = HTTPBearer(auto_error=False, description="A token of the service; the guard checks it")


def create_app(service: Service, keys: Keys, host: str | None = None) -> FastAPI:
    """The application with all its routes; what has no route is 404.

    Args:
        service: The served model.
        keys: Tokens that clients need.
        host: Name of the server, for the ``Host`` header of requests that need no token; None
            checks nothing. Addresses and ``localhost`` are always right.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.log.start()
        yield
        await service.log.stop()
        await service.backend.close()

    app = _application(lifespan)
    app.state.service = service
    app.add_middleware(Guard, limits=service.limits, keys=keys, host=host)
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of the routes, which are the same for every service.

    Example:
        >>> "/v1/chat/completions" in openapi_document()["paths"]
        True
    """
    return _application().openapi()


def _application(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    app = FastAPI(
        title="intentflow",
        summary="Intents with their parameters, recognized in what people say",
        version=__version__,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.include_router(health.router)
    closed: list[params.Depends] = [Security(_TOKEN)]
    for prefix in openai.PREFIXES:
        app.include_router(openai.router, prefix=prefix, dependencies=closed)
    for router in (kserve.root_router, kserve.v1_router, kserve.v2_router, feedback.router):
        app.include_router(router, dependencies=closed)
    _handle_errors(app)
    return app


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(ReplyError)
    async def known(request: Request, error: ReplyError) -> JSONResponse:
        return error.response(request.url.path)

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> JSONResponse:
        reply = ReplyError(error.status_code, _BODY_FAULTS.get(error.detail, str(error.detail)))
        response = reply.response(request.url.path)
        if allowed := (error.headers or {}).get("Allow"):
            response.headers["Allow"] = allowed
        return response

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return ReplyError(400, _explain(error)).response(request.url.path)


def _explain(error: RequestValidationError) -> str:
    """Where the first thing is that cannot be read, and why."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return f"the request is not JSON: {first['ctx']['error']} at character {first['loc'][-1]}"
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    reason = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {reason}" if where else reason
