"""Services on loopback: each has a port, whose connections go to one of its ready pods."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import suppress

_BYTES = 65536


class Network:
    """The Services of a namespace, as kube-proxy implements them: a pod for each connection."""

    def __init__(self) -> None:
        self._ports: dict[str, int] = {}
        self._listeners: list[socket.socket] = []
        self._pods: dict[str, list[int]] = {}
        self._lock = threading.Lock()

    def address(self, service: str) -> str:
        """``host:port`` of a Service, which need not exist yet."""
        with self._lock:
            if service not in self._ports:
                listener = socket.create_server(("127.0.0.1", 0))
                self._listeners.append(listener)
                self._ports[service] = listener.getsockname()[1]
                threading.Thread(target=self._accept, args=(service, listener), daemon=True).start()
            return f"127.0.0.1:{self._ports[service]}"

    def route(self, pods: dict[str, list[int]]) -> None:
        """Say which ports of ready pods each Service has now; connections that exist stay."""
        self._pods = pods

    def close(self) -> None:
        """Accept no connections any more."""
        for listener in self._listeners:
            listener.close()

    def _accept(self, service: str, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            ports = self._pods.get(service) or []
            try:
                server = socket.create_connection(("127.0.0.1", random.choice(ports)))
            except (OSError, IndexError):
                client.close()  # no endpoint, or one that has just gone
                continue
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy until one side ends."""
    with suppress(OSError):
        while data := source.recv(_BYTES):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
