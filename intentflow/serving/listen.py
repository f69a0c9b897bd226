"""The start of the HTTP server, the same for ``intentflow serve`` and in a cluster."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

_GRACE_SECONDS = 30
_KEEP_ALIVE_SECONDS = 65  # longer than proxies keep idle connections


def listen(app: FastAPI, host: str, port: int, metrics_port: int = 0) -> None:
    """Serve until interrupted or terminated; requests in progress are answered first.

    Args:
        app: The application.
        host: Address to listen on.
        port: Port to listen on.
        metrics_port: Port of the Prometheus metrics; 0 for none.
    """
    import uvicorn

    from intentflow.serving.http_protocol import LimitedProtocol

    if metrics_port:
        from prometheus_client import start_http_server

        start_http_server(metrics_port, host)
    with suppress(KeyboardInterrupt):  # uvicorn raises it again when all is done
        uvicorn.run(
            app,
            host=host,
            port=port,
            log_level="warning",
            http=LimitedProtocol,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
