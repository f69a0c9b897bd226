"""Ports to listen on, looked at before anything is loaded."""

from __future__ import annotations

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
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"port {port} on {host} cannot be used ({error.strerror}): choose another {flag}"
            ) from None
