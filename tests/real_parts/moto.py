"""``moto_bucket``: a bucket of moto's S3 server, for conditional put alone.

It checks no keys, so nothing else is tested with it. Its requests are handled one after the other,
because it does not check and write under one lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.real_parts.process import CACHE, answers, free_port, program, running

_SERVER = """
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app))
"""


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's address, for the complete session."""
    python = program(CACHE / "moto/bin/python", "moto")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("moto") / "server.log"
    with running([python, "-c", _SERVER, str(port)], log, lambda: answers(f"{address}/moto-api/")):
        yield address


@pytest.fixture
def moto_bucket(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a new bucket; the environment points `intentflow.storage` at the server."""
    from minio import Minio

    name = f"bucket-{uuid.uuid4().hex[:12]}"
    host = moto_server.removeprefix("http://")
    Minio(host, "any", "any", secure=False, region="us-east-1").make_bucket(name)
    monkeypatch.setenv("S3_ENDPOINT_URL", moto_server)
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "any")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return name
