"""Credentials for S3: static keys, or those of an AWS role that the minio client fetches.

Without keys in the environment, a pod on EKS has a role through its ServiceAccount (a web identity,
or EKS Pod Identity), and a node of AWS one through its instance profile. Other platforms need keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

from minio.credentials.credentials import Credentials
from minio.credentials.providers import IamAwsProvider, Provider, StaticProvider
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from intentflow.errors import ServiceError

if TYPE_CHECKING:
    from urllib3 import PoolManager

_KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_NO_KEYS = f"no S3 credentials: set {_KEYS} (and S3_ENDPOINT_URL for a server that is not AWS)"
_IDENTITY = "AWS_WEB_IDENTITY_TOKEN_FILE"
_ROLE = "AWS_ROLE_ARN"
_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
_STS_URL = "AWS_ENDPOINT_URL_STS"
_METADATA_URL = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
_METADATA_DISABLED = "AWS_EC2_METADATA_DISABLED"
_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn")
# A node answers at once; elsewhere nothing does.
_METADATA_SECONDS = 2.0
_STS_SECONDS = 10.0
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5

Connect = Callable[[float], "PoolManager"]
"""Connections by their time limit in seconds; without retries, whose log would show tokens."""


def s3_credentials(endpoint: str, settings: Mapping[str, str], connect: Connect) -> Provider:
    """Credentials for an endpoint, by what the environment has.

    Static keys come first, then a role of the pod, then, for AWS itself, the instance profile.

    Args:
        endpoint: URL of the S3 server.
        settings: Environment variables.
        connect: Makes the connections to AWS's token services.

    Raises:
        ServiceError: There is no source of credentials.
    """
    key, secret = settings.get("AWS_ACCESS_KEY_ID"), settings.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return StaticProvider(key, secret, settings.get("AWS_SESSION_TOKEN") or None)
    if key or secret:
        raise ServiceError(_NO_KEYS)
    if settings.get(_IDENTITY):
        if not settings.get(_ROLE):
            raise ServiceError(f"no S3 credentials: {_IDENTITY} is set, and {_ROLE} is not")
        url = settings.get(_STS_URL) or None
        return _RoleProvider(f"role {settings[_ROLE]}", connect(_STS_SECONDS), url)
    if any(settings.get(name) for name in _CONTAINER):
        return _RoleProvider("the pod's role", connect(_STS_SECONDS))
    if _is_aws(endpoint) and settings.get(_METADATA_DISABLED, "").lower() != "true":
        url = settings.get(_METADATA_URL) or None
        return _RoleProvider("the instance profile", connect(_METADATA_SECONDS), url, attempts=1)
    raise ServiceError(_NO_KEYS)


class _RoleProvider(Provider):
    """Temporary credentials of a role, renewed before they expire.

    Args:
        what: Source of the credentials, for messages.
        connections: Connections to AWS's token services.
        url: Address of the token service, if not AWS's usual one.
        attempts: Number of attempts while they do not answer.
    """

    def __init__(
        self,
        what: str,
        connections: PoolManager,
        url: str | None = None,
        *,
        attempts: int = _ATTEMPTS,
    ) -> None:
        self._what, self._attempts = what, attempts
        self._role = IamAwsProvider(custom_endpoint=url, http_client=connections)

    def retrieve(self) -> Credentials:
        """The present credentials.

        Raises:
            ServiceError: AWS refused them or cannot be reached.
        """
        from urllib3.exceptions import HTTPError

        retrying = Retrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_attempt(self._attempts),
            wait=wait_fixed(_PAUSE_SECONDS),
            reraise=True,
        )
        try:
            return retrying(self._role.retrieve)
        except (HTTPError, ParseError, OSError, ValueError, KeyError, TypeError) as error:
            # The address of the request has the token in it.
            reason = type(error).__name__ if isinstance(error, HTTPError) else _first_line(error)
            raise ServiceError(
                f"no S3 credentials: {self._what} gave none ({reason}); without a role set {_KEYS} "
                "(and S3_ENDPOINT_URL for a server that is not AWS)"
            ) from None


def _may_pass(error: BaseException) -> bool:
    """Whether the service is away or busy; the client reports a status only in its message."""
    from urllib3.exceptions import HTTPError

    return isinstance(error, HTTPError) or "HTTP status code 5" in str(error)


def _is_aws(endpoint: str) -> bool:
    return (urlsplit(endpoint).hostname or "").endswith(_AWS_HOSTS)


def _first_line(error: Exception) -> str:
    """An error's first line without the query of an address, which holds the identity's token."""
    lines = str(error).splitlines() or [type(error).__name__]
    return " ".join(word.partition("?")[0] for word in lines[0].split())
