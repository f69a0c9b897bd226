"""The webhooks' server, and its registration with the API server for one namespace."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from jsonpatch import JsonPatch

from tests.simulators.api import Api, Object
from tests.simulators.kserve.admission import (
    RefusedError,
    validate,
    with_defaults,
    with_storage_initializer,
)

_SERVICES = {
    "apiGroups": ["serving.kserve.io"],
    "apiVersions": ["v1beta1"],
    "resources": ["inferenceservices"],
    "operations": ["CREATE", "UPDATE"],
}
_PODS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
_LABEL = "simulated-kserve"


@contextmanager
def webhooks(cluster: Api, api: Api, folder: Path) -> Iterator[None]:
    """Register KServe's webhooks for the namespace of ``api`` until the block ends."""
    namespace = str(api.namespace)
    cluster.merge("namespaces", namespace, {"metadata": {"labels": {_LABEL: namespace}}})
    with https_server(_Handler, folder) as (url, certificate):
        bundle = base64.b64encode(certificate.read_bytes()).decode()

        def webhook(name: str, path: str, rule: Object) -> Object:
            return {
                "name": name,
                "clientConfig": {"url": f"{url}/{path}", "caBundle": bundle},
                "rules": [rule],
                "namespaceSelector": {"matchLabels": {_LABEL: namespace}},
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
            }

        kserve = "inferenceservice.kserve-webhook-server"
        mutating = [
            webhook(f"{kserve}.defaulter", "defaults", _SERVICES),
            webhook(f"{kserve}.pod-mutator", "pods", _PODS),
        ]
        validating = [webhook(f"{kserve}.validator", "validate", _SERVICES)]
        kinds = {"Mutating": mutating, "Validating": validating}
        for kind, registered in kinds.items():
            _register(cluster, kind, namespace, registered)
        try:
            _until_asked(api)
            yield
        finally:
            for kind in kinds:
                cluster.delete(f"{kind.lower()}webhookconfigurations", namespace)


def _register(cluster: Api, kind: str, name: str, registered: list[Object]) -> None:
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": registered,
    }
    cluster.create(f"{kind.lower()}webhookconfigurations", body)


def _until_asked(api: Api) -> None:
    """Wait until the API server asks the webhooks."""
    predictor = {"model": {"name": "not allowed", "modelFormat": {"name": "vLLM"}}}
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "asked"},
        "spec": {"predictor": predictor},
    }
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            api.create("inferenceservices", service, dry_run=True)
        except Exception as error:
            if getattr(error, "status", None) == 403:
                return
        time.sleep(0.1)
    raise AssertionError("the API server does not ask the webhooks")


@contextmanager
def https_server(handler: type[BaseHTTPRequestHandler], folder: Path) -> Iterator[tuple[str, Path]]:
    """A server on loopback with a certificate of its own; yields its URL and the certificate."""
    certificate, key = folder / "server.pem", folder / "server.key"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=server -addext"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        [*command.split(), "subjectAltName=IP:127.0.0.1", *files],
        check=True,
        capture_output=True,
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", certificate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers AdmissionReviews."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review["request"]
        answer: dict[str, Any] = {"uid": request["uid"], "allowed": True}
        try:
            answer |= _ANSWERS[self.path.partition("?")[0]](request)
        except RefusedError as refusal:
            answer |= {"allowed": False, "status": {"code": 403, "message": str(refusal)}}
        body = json.dumps({**review, "request": None, "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _patch(change: Callable[[Object], Object], request: Object) -> Object:
    before = request["object"]
    operations = JsonPatch.from_diff(before, change(before))
    if not operations:
        return {}
    return {
        "patchType": "JSONPatch",
        "patch": base64.b64encode(operations.to_string().encode()).decode(),
    }


def _validate(request: Object) -> Object:
    validate(request["object"], request.get("oldObject"))
    return {}


_ANSWERS: dict[str, Callable[[Object], Object]] = {
    "/defaults": lambda request: _patch(with_defaults, request),
    "/pods": lambda request: _patch(with_storage_initializer, request),
    "/validate": _validate,
}
