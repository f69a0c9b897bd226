"""Ports to listen on, looked at before anything is loaded."""

from __future__ import annotations

import errno
import socket

from intentflow.errors import UsageError


def require_free_port(host: str, port: int, flag: str = "--port") -> None:
    """Refuse a port that cannot be listened on.

    Args:
        host: Address to listen on.
        port: Number of the port, from 1 to 65535.
        flag: Flag that set the port, for the message.

    Raises:
        UsageError: Out of range, in use, or not allowed.
    """
    if not 0 < port < 65536:
        raise UsageError(f"{flag} {port}: a port lies between 1 and 65535")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no name of a host"
        raise UsageError(
            f"--host {host!r} is no address of this computer ({reason}): give one, such as "
            "127.0.0.1, ::1 or 0.0.0.0"
        ) from None
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            wrong = "--host" if error.errno == errno.EADDRNOTAVAIL else flag
            raise UsageError(
                f"port {port} on {host} cannot be used ({error.strerror}): choose another {wrong}"
            ) from None
