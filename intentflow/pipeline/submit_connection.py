"""Connection to the KFP API: its address, and credentials as its users have them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from intentflow.config import Flag, StrictModel
from intentflow.errors import InputError, UsageError
from intentflow.io.addresses import require_address

_TOKEN = "KFP_TOKEN"
_COOKIE = "KFP_COOKIE"


@dataclass(frozen=True)
class Connection:
    """Address of the KFP API, and the credentials it is given.

    Attributes:
        host: URL of the KFP API.
        token: Bearer token.
        token_file: File with the bearer token, read again for every request, since the kubelet
            and other tools replace it before it expires. Used unless there is a ``token``.
        cookie: Cookie of a session, ``name=value``, as Dex and oauth2-proxy set it.
        ca_file: Certificates (PEM) of the authorities that signed the host's; the public ones if
            None.
    """

    host: str
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    cookie: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        """Check the address, the files and the form of the cookie.

        Raises:
            InputError: One of them cannot be used.
        """
        require_address(self.host, "--host", "KFP_TOKEN")
        if self.cookie is not None and "=" not in self.cookie:
            raise InputError("KFP_COOKIE: expected name=value, such as authservice_session=…")
        if self.token_file is not None:
            read_token(self.token_file)
        if self.ca_file is not None:
            _require_certificates(self.ca_file)

    @property
    def renews_itself(self) -> bool:
        """Whether an expired token may be replaced while we wait."""
        return self.token is None and self.token_file is not None


def read_token(file: Path) -> str:
    """Read the token in a file.

    Raises:
        InputError: The file cannot be read, or is empty.
    """
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise InputError(f"--token-file {file}: {reason}") from None
    if not token:
        raise InputError(f"--token-file {file}: the file is empty")
    return token


def in_cluster_token_file() -> Path | None:
    """The projected ServiceAccount token for KFP that a pod has; None outside of one.

    A pod gets it where a ``PodDefault`` or its own spec projects a token with the audience
    ``pipelines.kubeflow.org``; the places are those of kfp's own client.
    """
    from kfp.client import KF_PIPELINES_SA_TOKEN_ENV, KF_PIPELINES_SA_TOKEN_PATH

    file = Path(os.environ.get(KF_PIPELINES_SA_TOKEN_ENV) or KF_PIPELINES_SA_TOKEN_PATH)
    return file if file.is_file() else None


class ConnectionConfig(StrictModel):
    """Configuration of a connection: address, and the places of the credentials."""

    host: str = Field(description="URL of the KFP API")
    token_env: Annotated[str, Flag(metavar="NAME")] = Field(
        _TOKEN, description="Environment variable with the bearer token"
    )
    token_file: Annotated[str | None, Flag(metavar="F")] = Field(
        None,
        description="File with the bearer token, read again for each request (default: in a pod, "
        "its ServiceAccount's token for KFP)",
    )
    cookie_env: Annotated[str, Flag(metavar="NAME")] = Field(
        _COOKIE,
        description="Environment variable with a session's cookie, name=value, as Dex sets it",
    )
    ca_file: Annotated[str | None, Flag(metavar="F")] = Field(
        None, description="Certificates (PEM) of a private authority of the host"
    )

    def connection(self) -> Connection:
        """The connection with the credentials of the environment and, in a pod, its own token.

        Raises:
            UsageError: A named variable is not set, or there are two tokens.
            InputError: The address, a file or the cookie cannot be used.
        """
        token = _secret("--token-env", self.token_env, _TOKEN)
        cookie = _secret("--cookie-env", self.cookie_env, _COOKIE)
        if self.token_file and token:
            raise UsageError(f"--token-file and a token in {self.token_env} exclude each other")
        token_file = Path(self.token_file) if self.token_file else None
        if not (token or cookie or token_file):
            token_file = in_cluster_token_file()
        return Connection(
            host=self.host,
            token=token,
            token_file=token_file,
            cookie=cookie,
            ca_file=Path(self.ca_file) if self.ca_file else None,
        )


def _secret(flag: str, variable: str, default: str) -> str | None:
    value = os.environ.get(variable)
    if not value and variable != default:
        raise UsageError(f"{flag} {variable}: the variable is not set")
    return value or None


def _require_certificates(file: Path) -> None:
    import ssl

    try:
        ssl.create_default_context(cafile=str(file))
    except ssl.SSLError:
        raise InputError(f"--ca-file {file}: there is no certificate (PEM) in it") from None
    except OSError as error:
        raise InputError(f"--ca-file {file}: {error.strerror}") from None
