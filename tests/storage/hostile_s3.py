"""An S3 server whose listing names objects as no well-behaved server would: a fault, injected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

CONTENT = b'{"instruction": "hello", "output": "greet()"}\n'


@contextmanager
def hostile_s3(keys: Sequence[str]) -> Iterator[str]:
    """The URL of a server that lists ``keys`` in every bucket and gives each the same content."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(404, b"")

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            if "location" in query:
                self._answer(200, b"<LocationConstraint></LocationConstraint>")
            elif "list-type" in query:
                self._answer(200, _listing(keys))
            else:
                self._answer(200, CONTENT)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Last-Modified", "Mon, 02 Nov 2026 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _listing(keys: Sequence[str]) -> bytes:
    entries = "".join(
        f"<Contents><Key>{escape(key)}</Key><ETag>e</ETag><Size>{len(CONTENT)}</Size>"
        "<LastModified>2026-11-02T00:00:00.000Z</LastModified></Contents>"
        for key in keys
    )
    head = "<Name>bucket</Name><Prefix>logs/</Prefix><IsTruncated>false</IsTruncated>"
    return f"<ListBucketResult>{head}{entries}</ListBucketResult>".encode()
