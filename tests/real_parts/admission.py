"""Admission webhooks: the API server asks a test's controller, as it asks the real ones.

kube-apiserver calls an HTTPS server on loopback with ``AdmissionReview`` (``admission.k8s.io/v1``)
and refuses what that refuses, with its message, as the API server says it.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.real_parts.kube import KubeApi

Validate = Callable[[dict[str, Any], dict[str, Any] | None], str]
"""The object and its former state, None for a new one, to why it is refused; empty if admitted."""


@dataclass(frozen=True)
class Webhook:
    """One validating webhook.

    Attributes:
        name: Its name, which stands in the API server's message.
        group: API group of the resources.
        version: Their version.
        resources: Their plural names.
        validate: What it decides.
        namespace: Namespace that it is asked for.
    """

    name: str
    group: str
    version: str
    resources: Sequence[str]
    validate: Validate
    namespace: str


@contextmanager
def admission(api: KubeApi, hook: Webhook, folder: Path) -> Iterator[None]:
    """Have the API server ask a webhook inside the block."""
    from kubernetes.client import AdmissionregistrationV1Api

    certificate, key = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hook.validate))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    registry = AdmissionregistrationV1Api(api.client())
    body = _configuration(hook, server.server_port, certificate.read_bytes())
    try:
        registry.create_validating_webhook_configuration(body)
        yield
    finally:
        registry.delete_validating_webhook_configuration(body["metadata"]["name"])
        server.shutdown()
        server.server_close()
        thread.join()


def _configuration(hook: Webhook, port: int, certificate: bytes) -> dict[str, Any]:
    rule = {
        "apiGroups": [hook.group],
        "apiVersions": [hook.version],
        "resources": list(hook.resources),
        "operations": ["CREATE", "UPDATE"],
    }
    return {
        "metadata": {"name": f"{hook.name}.{hook.namespace}"},
        "webhooks": [
            {
                "name": hook.name,
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "rules": [rule],
                # 1.20 does not label namespaces with their names: tests label their own.
                "namespaceSelector": {"matchLabels": {"tests": hook.namespace}},
                "clientConfig": {
                    "url": f"https://127.0.0.1:{port}/validate",
                    "caBundle": base64.b64encode(certificate).decode(),
                },
            }
        ],
    }


def _handler(validate: Validate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            request = review["request"]
            refusal = validate(request["object"], request.get("oldObject"))
            response: dict[str, Any] = {"uid": request["uid"], "allowed": not refusal}
            if refusal:
                response["status"] = {"code": 403, "reason": "Forbidden", "message": refusal}
            answer = json.dumps({**review, "request": None, "response": response}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Nothing: the API server logs what it is answered."""

    return Handler


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = (folder / "webhook.crt", folder / "webhook.key")
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
