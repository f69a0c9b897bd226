"""What goes wrong while a model is on its way to S3, on a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from intentflow.errors import IntentflowError
from intentflow.io.files import sha256_directory
from intentflow.storage import digest_of, fetch, publish
from intentflow.storage.s3 import S3Store
from tests.real_parts.s3 import S3Server

pytestmark = pytest.mark.real

_PART = 16 << 20


@pytest.fixture
def large(model_directory: Path) -> Path:
    """A model whose weights are eight parts and a little."""
    (model_directory / "model.safetensors").write_bytes(os.urandom(8 * _PART + 5))
    return model_directory


def _uploads(client: Any, bucket: str) -> list[Any]:
    return list(client._list_multipart_uploads(bucket, prefix="models/").uploads)


def _parts(client: Any, bucket: str) -> int:
    return sum(
        len(client._list_parts(bucket, item.object_name, item.upload_id).parts)
        for item in _uploads(client, bucket)
    )


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the parts that go to the server from here on."""
    from minio import Minio

    numbers: list[int] = []
    upload = Minio._upload_part

    def count(self: Any, bucket: str, key: str, data: bytes, headers: Any, *rest: Any) -> str:
        numbers.append(rest[-1])
        etag: str = upload(self, bucket, key, data, headers, *rest)
        return etag

    monkeypatch.setattr(Minio, "_upload_part", count)
    return numbers


def _kill_in_the_middle(source: Path, server: S3Server, bucket: str) -> None:
    command = [sys.executable, "-m", "intentflow.cli.main", "publish", str(source)]
    process = subprocess.Popen([*command, f"s3://{bucket}/models"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while _parts(server.client(), bucket) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=10) == -signal.SIGKILL


def test_killed_upload_is_not_visible_and_resumes_with_its_parts(
    large: Path, s3_server: S3Server, s3_bucket: str, tmp_path: Path, sent: list[int]
) -> None:
    _kill_in_the_middle(large, s3_server, s3_bucket)
    there = _parts(s3_server.client(), s3_bucket)
    uri = f"s3://{s3_bucket}/models/sha256-{sha256_directory(large)}"
    with pytest.raises(IntentflowError, match="not published completely"):
        fetch(uri, tmp_path / "cache")

    publish(large, f"s3://{s3_bucket}/models")
    assert 2 <= there <= 9 - len(sent)  # the server may still finish what was under way
    assert digest_of(uri) == sha256_directory(fetch(uri, tmp_path / "cache"))
    assert _uploads(s3_server.client(), s3_bucket) == []


def test_part_of_other_content_is_sent_again(
    large: Path, s3_server: S3Server, s3_bucket: str, tmp_path: Path, sent: list[int]
) -> None:
    client: Any = s3_server.client()
    key = f"models/sha256-{sha256_directory(large)}/model.safetensors"
    upload = client._create_multipart_upload(s3_bucket, key, {})
    client._upload_part(s3_bucket, key, b"\0" * _PART, None, upload, 1)
    sent.clear()

    uri = publish(large, f"s3://{s3_bucket}/models").uri
    assert sorted(sent) == list(range(1, 10))
    assert (fetch(uri, tmp_path / "cache") / "model.safetensors").is_file()


def test_upload_that_somebody_else_finished_is_finished(
    large: Path, s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intentflow.storage import multipart

    complete = multipart._complete

    def twice(*arguments: Any) -> None:
        complete(*arguments)
        complete(*arguments)

    monkeypatch.setattr(multipart, "_complete", twice)
    uri = publish(large, f"s3://{s3_bucket}/models").uri
    assert digest_of(uri) == sha256_directory(large)


def test_progress_comes_to_all_bytes(large: Path, s3_bucket: str) -> None:
    from intentflow.storage.uris import S3Location

    reported: list[int] = []
    file = large / "model.safetensors"
    S3Store().upload(S3Location(s3_bucket, "models/weights"), file, "0" * 64, reported.append)
    assert (sum(reported), len(reported)) == (file.stat().st_size, 9)


def test_bucket_that_disappears_is_named(
    model_directory: Path, s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = s3_server.client()
    upload = S3Store.upload

    def remove_bucket_first(self: S3Store, location: Any, *rest: Any) -> None:
        if location.key.endswith("prompt.json"):
            for item in client.list_objects(s3_bucket, recursive=True):
                client.remove_object(s3_bucket, item.object_name)
            client.remove_bucket(s3_bucket)
        upload(self, location, *rest)

    monkeypatch.setattr(S3Store, "upload", remove_bucket_first)
    with pytest.raises(IntentflowError, match=f"s3://{s3_bucket}: no such bucket") as caught:
        publish(model_directory, f"s3://{s3_bucket}/models")
    assert "\n" not in str(caught.value)


def test_model_that_changes_meanwhile_is_not_published(
    model_directory: Path, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = S3Store.upload
    uri = f"s3://{s3_bucket}/models/sha256-{sha256_directory(model_directory)}"

    def change_first(self: S3Store, location: Any, *rest: Any) -> None:
        (model_directory / "prompt.json").write_text("{}")
        upload(self, location, *rest)

    monkeypatch.setattr(S3Store, "upload", change_first)
    with pytest.raises(IntentflowError, match="changed while it was published"):
        publish(model_directory, f"s3://{s3_bucket}/models")
    with pytest.raises(IntentflowError, match="not published completely"):
        fetch(uri, tmp_path / "cache")
