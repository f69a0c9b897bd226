"""What AWS answers a pod or a node: STS, EKS Pod Identity, instance metadata, and S3 itself."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

CONTENT = b'{"instruction": "hello", "output": "greet()"}\n'
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_METADATA = "/latest/meta-data/iam/security-credentials/"


@dataclass
class Aws:
    """AWS on loopback.

    Attributes:
        url: Address of all of it.
        lifetime: Time until the credentials that it hands out expire.
        fails: Statuses of the next answers of the token services, before they succeed.
        identities: Role and token of each request to STS.
        tokens: The bearer token of each request to Pod Identity.
        signed_by: Access key and session token of each request to S3.
        handed_out: Number of credentials that were handed out.
    """

    url: str = ""
    lifetime: timedelta = timedelta(hours=1)
    fails: list[int] = field(default_factory=list)
    identities: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    signed_by: list[tuple[str, str | None]] = field(default_factory=list)
    handed_out: int = 0

    def next_credentials(self) -> dict[str, str]:
        """New temporary credentials."""
        self.handed_out += 1
        until = datetime.now(UTC) + self.lifetime
        return {
            "AccessKeyId": f"ASIA{self.handed_out}",
            "SecretAccessKey": "secret",
            "Token": f"session-{self.handed_out}",
            "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


@contextmanager
def aws(tls: tuple[Path, Path] | None = None) -> Iterator[Aws]:
    """AWS, until the block ends; with a certificate and its key by HTTPS."""
    state = Aws()

    class Handler(_Handler):
        aws = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    state.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    aws: Aws

    def do_POST(self) -> None:
        """STS: AssumeRoleWithWebIdentity."""
        if self.aws.fails:
            return self._answer(self.aws.fails.pop(0), b"<ErrorResponse/>")
        query = parse_qs(urlsplit(self.path).query)
        if query["Action"] != ["AssumeRoleWithWebIdentity"]:
            return self._answer(400, b"")
        self.aws.identities.append((query["RoleArn"][0], query["WebIdentityToken"][0]))
        found = self.aws.next_credentials()
        found["SessionToken"] = found.pop("Token")
        fields = "".join(f"<{key}>{value}</{key}>" for key, value in found.items())
        kind = "AssumeRoleWithWebIdentity"
        text = (
            f'<{kind}Response xmlns="{_NAMESPACE}"><{kind}Result><Credentials>{fields}'
            f"</Credentials></{kind}Result></{kind}Response>"
        )
        return self._answer(200, text.encode())

    def do_PUT(self) -> None:
        """Instance metadata, version 2: a session token."""
        if self.aws.fails:
            return self._answer(self.aws.fails.pop(0), b"")
        return self._answer(200, b"imds-token")

    def do_GET(self) -> None:
        """Instance metadata and Pod Identity; anything else is an object of S3."""
        if self.path == "/v1/credentials":
            self.aws.tokens.append(self.headers.get("Authorization"))
            return self._answer(200, json.dumps(self.aws.next_credentials()).encode())
        if self.path.startswith(_METADATA):
            if self.headers.get("X-aws-ec2-metadata-token") != "imds-token":
                return self._answer(401, b"")
            if self.path == _METADATA:
                return self._answer(200, b"node-role")
            return self._answer(200, json.dumps(self.aws.next_credentials()).encode())
        self._note()
        if "location" in urlsplit(self.path).query:
            return self._answer(200, b"<LocationConstraint></LocationConstraint>")
        return self._answer(200, CONTENT)

    def do_HEAD(self) -> None:
        """S3: an object's size."""
        self._note()
        self._answer(200, CONTENT)

    def _note(self) -> None:
        signature = self.headers.get("Authorization") or ""
        key = signature.partition("Credential=")[2].partition("/")[0]
        self.aws.signed_by.append((key, self.headers.get("X-Amz-Security-Token")))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Mon, 02 Nov 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""
