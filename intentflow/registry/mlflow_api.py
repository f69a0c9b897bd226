"""Calls of MLflow's REST API that an export needs.

They are called over HTTP: MLflow's own client would bring some thirty packages to every image for
these few calls of a documented API.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from intentflow.errors import InputError, ServiceError

_API = "/api/2.0/mlflow"
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
_PROXIED = "mlflow-artifacts"
_SECONDS = 60.0
_RETRIES = 3
_PAGE = 1000
_TOKEN = "MLFLOW_TRACKING_TOKEN"
_USER = "MLFLOW_TRACKING_USERNAME"
_PASSWORD = "MLFLOW_TRACKING_PASSWORD"

Document = dict[str, Any]


class MlflowApi:
    """A tracking server.

    Args:
        tracking_uri: URL of the server, ``http://`` or ``https://``. Token, or user and password,
            are those of MLflow's own variables, ``MLFLOW_TRACKING_TOKEN``, ``…_USERNAME``,
            ``…_PASSWORD``.

    Raises:
        InputError: The address is none of a server.
    """

    def __init__(self, tracking_uri: str) -> None:
        if not tracking_uri.startswith(("http://", "https://")):
            raise InputError(
                f"{tracking_uri}: is no address of an MLflow server: give http://… or https://…"
            )
        self._uri = tracking_uri.rstrip("/")
        token, user = os.environ.get(_TOKEN), os.environ.get(_USER)
        self._http = httpx.Client(
            timeout=_SECONDS,
            transport=httpx.HTTPTransport(retries=_RETRIES),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            auth=(user, os.environ.get(_PASSWORD, "")) if user and not token else None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def find(self, call: str, **query: str) -> Document | None:
        """Find something; None if it does not exist."""
        answer = self._send("GET", f"{_API}/{call}", params=query)
        return None if answer.status_code == 404 else _document(answer, call)

    def change(self, call: str, body: Mapping[str, Any], method: str = "POST") -> Document:
        """Change something; the answer."""
        return _document(self._send(method, f"{_API}/{call}", json=dict(body)), call)

    def pages(self, call: str, name: str, body: Mapping[str, Any]) -> Iterator[Document]:
        """All things that a search by POST finds, page by page."""
        token = ""
        while True:
            found = self.change(call, {**body, "max_results": _PAGE, "page_token": token})
            yield from found.get(name, [])
            if not (token := found.get("next_page_token", "")):
                return

    def upload(self, artifact_uri: str, name: str, file: Path) -> None:
        """Store a file among the artifacts of a run.

        Args:
            artifact_uri: Place of the run's artifacts.
            name: Name below it.
            file: The file.

        Raises:
            ServiceError: The server does not store artifacts itself, or refuses.
        """
        place = urlsplit(artifact_uri)
        if place.scheme != _PROXIED:
            raise ServiceError(
                f"{self._uri} keeps artifacts in {artifact_uri} and does not store them for "
                "clients: start it with --serve-artifacts"
            )
        path = quote(f"{_ARTIFACTS}{place.path.rstrip('/')}/{name}")
        with file.open("rb") as stream:
            answer = self._send("PUT", path, content=stream)
        if not answer.is_success:  # some releases answer with an empty body
            raise _refusal(answer, "artifacts")

    def _send(self, method: str, path: str, **given: Any) -> httpx.Response:
        try:
            return self._http.request(method, f"{self._uri}{path}", **given)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServiceError(
                f"the MLflow server {self._uri} does not answer ({type(error).__name__})"
            ) from None


def _document(answer: httpx.Response, call: str) -> Document:
    """The JSON of an answer.

    Raises:
        ServiceError: The server refused, or is no MLflow server.
    """
    document = _json(answer)
    if answer.is_success and document is not None:
        return document
    raise _refusal(answer, call)


def _json(answer: httpx.Response) -> Document | None:
    """The JSON object of an answer; None if it is none."""
    try:
        document = answer.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _refusal(answer: httpx.Response, call: str) -> ServiceError:
    stated = (_json(answer) or {}).get("message", "")
    reason = " ".join(str(stated).split())[:200] or f"status {answer.status_code}"
    return ServiceError(f"MLflow refused {call}: {reason}")
