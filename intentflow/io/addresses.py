"""Checks of HTTP addresses from options, files and the environment: valid and free of secrets.

An address appears in process lists, log lines, reports and error messages, and so does a token in
it. Tokens are therefore refused in addresses, and masked in all text that is shown.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from intentflow.errors import InputError

MASK = "***"
_USER = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")
_SECRET_NAME = re.compile(
    r"token|secret|passw|passwd|pwd|api[-_]?key|access[-_]?key|auth|credential|signature|^key$|^sig$",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"(?<=[?&;])([^=&#\s]+)=([^&#\s]+)")


def require_address(address: str, what: str, secret_in: str | None = None) -> str:
    """Check that an address is ``http(s)://`` and contains no secret.

    Args:
        address: Address to check.
        what: Name of its option or key, such as ``--url``, for the error message.
        secret_in: Right place for a secret, such as the name of an environment variable.

    Returns:
        The address without surrounding blanks and trailing slashes.

    Raises:
        InputError: The address has another scheme, no host, an invalid port, or a secret: a
            user name, a password or a query parameter with a name such as ``token``.

    Example:
        >>> require_address("http://127.0.0.1:8000/", "--url")
        'http://127.0.0.1:8000'
    """
    found = address.strip().rstrip("/")
    try:
        parts = urlsplit(found)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, an unclosed bracket
        usable = False
    if not usable or re.search(r"[\s\x00-\x1f\x7f]", found):
        raise InputError(f"{what} {mask_secrets(found)!r}: expected http(s)://host[:port]")
    if holds_secret(found):
        place = f"put it into {secret_in}" if secret_in else "leave it out"
        raise InputError(
            f"{what} {mask_secrets(found)}: the address contains a user name, password or token, "
            f"which process lists and logs would show: {place}"
        )
    return found


def holds_secret(address: str) -> bool:
    """Whether an address has a user name, a password or a parameter with a secret's name."""
    parts = urlsplit(address)
    if parts.username is not None or mask_secrets(address) != address:
        return True
    return any(_SECRET_NAME.search(name) for name, value in parse_qsl(parts.query) if value)


def mask_secrets(text: str) -> str:
    """Replace the user names, passwords and tokens of all addresses in a text.

    Example:
        >>> mask_secrets("no reply from https://me:pw@host/v1?token=abc&page=2")
        'no reply from https://***@host/v1?token=***&page=2'
    """
    return _PARAMETER.sub(_mask_parameter, _USER.sub(MASK, text))


def _mask_parameter(found: re.Match[str]) -> str:
    name, value = found.groups()
    return f"{name}={MASK if _SECRET_NAME.search(name) else value}"
