"""``s3_server``: a MinIO-layer S3 server; ``s3_bucket``: a bucket in it, settings in place."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real_parts.process import CACHE, answers, free_port, program, running

if TYPE_CHECKING:
    from minio import Minio


@dataclass(frozen=True)
class S3Server:
    """A running server: where it is, its keys, and the folder where it keeps its blocks."""

    endpoint: str
    access_key: str
    secret_key: str
    blocks: Path

    def environment(self) -> dict[str, str]:
        """The variables that `intentflow.storage` reads."""
        return {
            "S3_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
        }

    def client(self) -> Minio:
        """A client for what tests do behind the library's back."""
        from minio import Minio

        host = self.endpoint.removeprefix("http://")
        return Minio(host, self.access_key, self.secret_key, secure=False, region="us-east-1")


def empty_store(root: Path) -> S3Server:
    """A server with an empty store below a folder, which is yet to be started."""
    bucket = f"{root}/store/"
    subprocess.run(
        [_juicefs(), "format", "--storage", "file", "--bucket", bucket, _meta(root), "tests"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return S3Server(f"http://127.0.0.1:{free_port()}", "intentflow", uuid.uuid4().hex, root)


@contextmanager
def serving(server: S3Server) -> Iterator[None]:
    """Let a server answer until the block ends; its store stays."""
    root = server.blocks
    flags = ["--multi-buckets", "--keep-etag", "--object-meta", "--no-usage-report"]
    address = server.endpoint.removeprefix("http://")
    command = [_juicefs(), "gateway", *flags, "--cache-dir", root / "cache", _meta(root), address]
    keys = {"MINIO_ROOT_USER": server.access_key, "MINIO_ROOT_PASSWORD": server.secret_key}
    health = f"{server.endpoint}/minio/health/live"
    with running(command, root / "server.log", lambda: answers(health), env=keys):
        yield


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server with an empty store, for the complete session."""
    server = empty_store(tmp_path_factory.mktemp("s3"))
    with serving(server):
        yield server


def _juicefs() -> Path:
    return program(CACHE / "s3-server/bin/juicefs", "s3-server")


def _meta(root: Path) -> str:
    return f"sqlite3://{root}/meta.db"


@pytest.fixture
def s3_bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a new bucket; the environment points `intentflow.storage` at the server."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3_server.client().make_bucket(name)
    for key, value in s3_server.environment().items():
        monkeypatch.setenv(key, value)
    return name
