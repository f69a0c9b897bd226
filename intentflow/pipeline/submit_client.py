"""Client of the KFP API, whose answers are checked."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from intentflow.errors import ServiceError, UsageError
from intentflow.pipeline.submit_connection import Connection, read_token

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_HEALTH_SECONDS = 10
# Release that first takes all that the graph asks of the platform.
_MIN_RELEASE = (2, 5)
_REQUEST_SECONDS = 60
_LOGIN = "give a token (KFP_TOKEN, --token-file) or the cookie of a browser's session (KFP_COOKIE)"


class KfpUnavailable(ServiceError):  # noqa: N818 - a state of the server, which may pass
    """The server cannot be reached, or answers with a 5xx or 429: it may be back in a minute."""


class KfpLoginRefused(ServiceError):  # noqa: N818 - an answer of the server
    """The server does not accept the token or the cookie, or answers with a login page."""


@dataclass(frozen=True)
class KfpClient:
    """The services of the KFP API, for one namespace.

    Attributes:
        connection: Address and credentials.
        namespace: Namespace of everything that is listed and made; None in a single-user
            installation.
        pipelines: Pipelines and their versions.
        uploads: Upload of versions.
        experiments: Experiments.
        runs: Runs.
        schedules: Recurring runs.
    """

    connection: Connection
    namespace: str | None
    pipelines: Any
    uploads: Any
    experiments: Any
    runs: Any
    schedules: Any

    def url(self, page: str) -> str:
        """URL of a page of the user interface, such as ``runs/details/ID``."""
        return f"{self.connection.host.rstrip('/')}/#/{page}"


def connect(connection: Connection, namespace: str | None) -> KfpClient:
    """A client of a host that answers as the KFP API does.

    Args:
        connection: Address and credentials.
        namespace: Namespace of the user; the pod's own if None and this is a pod.

    Raises:
        UsageError: The installation has several users, and there is no namespace.
        ServiceError: The host cannot be reached, refused, is too old, or is something else.
    """
    import kfp_server_api

    api = _checked_api(connection)
    with readable_errors(connection):
        # HealthzServiceApi's answer leaves out the release.
        health = api.call_api(
            "/apis/v2beta1/healthz",
            "GET",
            response_type="object",
            auth_settings=["Bearer"],
            _return_http_data_only=True,
            _request_timeout=_HEALTH_SECONDS,
        )
    _require_release(health.get("tag_name"), connection)
    return KfpClient(
        connection=connection,
        namespace=_namespace(namespace, multi_user=bool(health.get("multi_user"))),
        pipelines=kfp_server_api.PipelineServiceApi(api),
        uploads=kfp_server_api.PipelineUploadServiceApi(api),
        experiments=kfp_server_api.ExperimentServiceApi(api),
        runs=kfp_server_api.RunServiceApi(api),
        schedules=kfp_server_api.RecurringRunServiceApi(api),
    )


def equals(key: str, value: str) -> str:
    """A filter of a list call: the field has exactly this text."""
    predicate = {"operation": "EQUALS", "key": key, "stringValue": value}
    return json.dumps({"predicates": [predicate]})


def require_id(answer: Any, name: str) -> str:
    """The id that the server gave to what was made.

    Raises:
        ServiceError: The server gave no id.
    """
    found = getattr(answer, name)
    if not found:
        raise ServiceError(f"the KFP API's answer has no {name}: is --host the KFP API?")
    return str(found)


@contextlib.contextmanager
def readable_errors(connection: Connection) -> Iterator[None]:
    """Turn the client's errors into one line each.

    Raises:
        KfpUnavailable: The server is away.
        KfpLoginRefused: The host refuses the credentials, or asks for some.
        ServiceError: The host refused for another reason.
    """
    from kfp_server_api import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        raise _explained(error, connection) from error
    except HTTPError as error:
        raise KfpUnavailable(_unreachable(error, connection)) from error


def _require_release(tag: object, connection: Connection) -> None:
    """Refuse a release that lacks what the graph needs; a build without a number is let pass."""
    found = re.match(r"v?(\d+)\.(\d+)", str(tag))
    if found and (int(found[1]), int(found[2])) < _MIN_RELEASE:
        needed = ".".join(map(str, _MIN_RELEASE))
        raise ServiceError(
            f"{connection.host} is Kubeflow Pipelines {tag}, and the graph needs {needed} or "
            "later: update it"
        )


def _namespace(given: str | None, *, multi_user: bool) -> str | None:
    """A single-user installation ignores the namespace; one with several users needs it."""
    if given or not multi_user:
        return given
    try:
        return SERVICE_ACCOUNT_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError:
        raise UsageError(
            "--namespace: this Kubeflow has several users; give the namespace of your profile"
        ) from None


def _checked_api(connection: Connection) -> Any:
    """A client that takes JSON objects of the API as answers, and nothing else."""
    import kfp_server_api

    class CheckedApi(kfp_server_api.ApiClient):  # type: ignore[misc]  # the package has no types
        def request(self, *args: Any, **kwargs: Any) -> Any:
            if kwargs.get("_request_timeout") is None:
                kwargs["_request_timeout"] = _REQUEST_SECONDS
            try:
                return super().request(*args, **kwargs)
            except kfp_server_api.ApiException as error:
                if error.body is not None:
                    raise
                # Of TLS; call_api would fail at the missing body.
                raise KfpUnavailable(_unreachable(error, connection)) from error

        def deserialize(self, response: Any, response_type: Any) -> Any:
            _require_object(response, connection)
            try:
                return super().deserialize(response, response_type)
            except (ValueError, TypeError, AttributeError, LookupError) as error:
                raise KfpLoginRefused(_not_kfp(connection, response)) from error

    return CheckedApi(_configuration(connection), cookie=connection.cookie)


def _configuration(connection: Connection) -> Any:
    import kfp_server_api

    configuration = kfp_server_api.Configuration(host=connection.host.strip().rstrip("/"))
    configuration.retries = False  # neither retries nor redirects: a login page is one
    if connection.ca_file:
        configuration.ssl_ca_cert = str(connection.ca_file)
    token_file = connection.token_file
    if connection.token or token_file:
        configuration.api_key["authorization"] = connection.token
        configuration.api_key_prefix["authorization"] = "Bearer"
    if connection.renews_itself and token_file:

        def read_again(configuration: Any) -> None:
            configuration.api_key["authorization"] = read_token(token_file)

        configuration.refresh_api_key_hook = read_again
    return configuration


def _require_object(response: Any, connection: Connection) -> None:
    try:
        document = json.loads(response.data)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise KfpLoginRefused(_not_kfp(connection, response))


def _not_kfp(connection: Connection, response: Any) -> str:
    kind = (response.getheader("content-type") or "no content type").partition(";")[0]
    return (
        f"KFP host {connection.host}: the answer ({kind}) is not of the KFP API but of a login "
        f"page or another server; check --host, and {_LOGIN}"
    )


def _explained(error: Any, connection: Connection) -> ServiceError:
    host = f"KFP host {connection.host}"
    status = int(error.status)
    if status == 401:
        return KfpLoginRefused(f"{host}: does not accept the token (401); {_LOGIN}")
    if 300 <= status < 400:
        place = _without_query(error.headers.get("location") or "another page")
        return KfpLoginRefused(f"{host}: redirects to {place} ({status}); {_LOGIN}")
    if status == 403:
        return ServiceError(f"{host}: not allowed (403): {_message(error)}")
    if status == 404:
        return ServiceError(f"{host}: has no KFP API v2beta1 (404): {_message(error)}")
    if status >= 500 or status == 429:
        return KfpUnavailable(f"{host}: failed ({status}): {_message(error)}")
    return ServiceError(f"{host}: refused ({status}): {_message(error)}")


def _unreachable(error: Any, connection: Connection) -> str:
    host = f"KFP host {connection.host}"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"{host}: its certificate is not of a known authority; check --ca-file"
    cause = getattr(error, "reason", None) or error
    name = cause.splitlines()[0] if isinstance(cause, str) else type(cause).__name__
    return f"{host}: cannot be reached ({name}); check --host"


def _without_query(address: str) -> str:
    """An address without what a login service puts into its query."""
    return urlsplit(address)._replace(query="", fragment="").geturl()


def _message(error: Any) -> str:
    try:
        message = json.loads(error.body)
        message = message.get("error_message") or message["message"]
    except (TypeError, ValueError, KeyError, AttributeError):
        message = error.reason
    return " ".join(str(message).split())[:300]
