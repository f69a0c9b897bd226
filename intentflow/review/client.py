"""The API of Label Studio, as far as a review needs it."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from intentflow.errors import ServiceError
from intentflow.review.tasks import MODEL_VERSION

_TIMEOUT_SECONDS = 120.0
_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class StudioClient:
    """A client with a personal access token.

    The token buys access tokens of a few minutes, which are sent as ``Authorization: Bearer``; an
    organisation of this version refuses the former kind, ``Authorization: Token``, unless set.

    Args:
        url: URL of the server.
        token: The personal access token.

    Raises:
        ServiceError: The server does not answer, or refuses; all methods raise it.
    """

    def __init__(self, url: str, token: str) -> None:
        auth = _BearerAuth(f"{url}/api/token/refresh/", token)
        self._http = httpx.Client(base_url=url, auth=auth, timeout=_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def project(self, title: str, label_config: str) -> int:
        """The id of the project with a title, made if there is none, with a labelling form.

        Args:
            title: Title of the project.
            label_config: Labelling form (XML).
        """
        settings = {"label_config": label_config, "show_collab_predictions": True}
        found = self._json("GET", "/api/projects/", params={"title": title, "page_size": 1000})
        numbers = [one["id"] for one in found["results"] if one["title"] == title]
        if numbers:
            self._json("PATCH", f"/api/projects/{numbers[0]}/", json=settings)
            return int(numbers[0])
        made = self._json("POST", "/api/projects/", json={"title": title, **settings})
        return int(made["id"])

    def add_tasks(self, project: int, tasks: Sequence[dict[str, Any]]) -> None:
        """Import tasks, and let labellers start from their pre-labels.

        Args:
            project: Id of the project.
            tasks: Tasks with ``data`` and ``predictions``.
        """
        if tasks:
            self._json("POST", f"/api/projects/{project}/import", json=list(tasks))
        self._json("PATCH", f"/api/projects/{project}/", json={"model_version": MODEL_VERSION})

    def export(self, project: int) -> bytes:
        """All tasks of a project with their annotations, as Label Studio's JSON.

        Args:
            project: Id of the project.
        """
        query = {"exportType": "JSON", "download_all_tasks": "true"}
        return self._send("GET", f"/api/projects/{project}/export", params=query).content

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._send(method, path, **request).json()

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return _accepted(lambda: self._http.request(method, path, **request), path)


def make_token(url: str, email: str, password: str) -> str:
    """Log in as a browser does and make a personal access token.

    An account has one at a time, and shows it once; one that is there is revoked.

    Args:
        url: URL of the server.
        email: Name of the account.
        password: Password of the user.

    Raises:
        ServiceError: The server does not answer, or refuses the password.
    """
    with _session(url, email, password) as http:
        for former in _accepted(lambda: http.get("/api/token/"), "/api/token/").json():
            revoked = {"refresh": former["token"]}
            _accepted(lambda body=revoked: http.post("/api/token/blacklist/", json=body), "token")
        made = _accepted(lambda: http.post("/api/token/"), "/api/token/")
        return str(made.json()["token"])


class _BearerAuth(httpx.Auth):
    requires_response_body = True

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token, self._access = url, token, ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request; where access has expired, get it again and send once again."""
        for _ in range(2):
            if not self._access:
                response = yield httpx.Request("POST", self._url, json={"refresh": self._token})
                if response.is_error:
                    return
                self._access = str(response.json()["access"])
            request.headers["Authorization"] = f"Bearer {self._access}"
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return
            self._access = ""


@contextmanager
def _session(url: str, email: str, password: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS) as http:
        page = _accepted(lambda: http.get("/user/login/"), "/user/login/")
        form = _FORM_TOKEN.search(page.text)
        if form is None:
            raise ServiceError(f"{url}/user/login/ is not the login of Label Studio")
        fields = {"email": email, "password": password, "csrfmiddlewaretoken": form[1]}
        reply = _accepted(
            lambda: http.post("/user/login/", data=fields, headers={"Referer": url}),
            "/user/login/",
        )
        if reply.status_code != httpx.codes.FOUND:
            raise ServiceError(f"Label Studio does not accept the password of {email}")
        yield http


def _accepted(send: Any, path: str) -> httpx.Response:
    try:
        response: httpx.Response = send()
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise ServiceError(f"Label Studio does not answer {path}: {reason}") from None
    if response.is_error:
        raise ServiceError(f"Label Studio answered {path} with {_refusal(response)}")
    return response


def _refusal(response: httpx.Response) -> str:
    """Status and reason, without a page of HTML."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    detail = body.get("validation_errors") or body.get("detail") if isinstance(body, dict) else None
    return f"{response.status_code}{f': {detail}' if detail else ''}"[:500]
