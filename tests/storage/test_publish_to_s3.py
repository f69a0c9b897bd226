"""Publishing to and fetching from a real S3 server."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.conversion import convert
from intentflow.errors import IntentflowError
from intentflow.io.files import sha256_directory
from intentflow.storage import digest_of, fetch, publish
from intentflow.storage.s3 import S3Store
from intentflow.storage.uris import parse_s3
from tests.real_parts.kube import KubeApi
from tests.real_parts.process import free_port
from tests.real_parts.s3 import S3Server

pytestmark = pytest.mark.real


@pytest.fixture
def models(s3_bucket: str) -> str:
    return f"s3://{s3_bucket}/models"


def _key(uri: str) -> str:
    return uri.split("/", 3)[3]


def test_model_comes_back_as_it_was(model_directory: Path, models: str, tmp_path: Path) -> None:
    published = publish(model_directory, models)
    fetched = fetch(published.uri, tmp_path / "cache")

    assert published.uri == f"{models}/sha256-{sha256_directory(model_directory)}"
    assert sha256_directory(fetched) == published.digest == digest_of(published.uri)


def test_second_publish_sends_nothing(model_directory: Path, models: str) -> None:
    assert publish(model_directory, models).uploaded_files == 7
    assert publish(model_directory, models).uploaded_files == 0


def test_second_fetch_downloads_nothing(model_directory: Path, models: str, tmp_path: Path) -> None:
    uri = publish(model_directory, models).uri
    before = fetch(uri, tmp_path / "cache").stat().st_ino
    assert fetch(uri, tmp_path / "cache").stat().st_ino == before


def test_one_file_comes_back(models: str, tmp_path: Path) -> None:
    data = tmp_path / "train.jsonl"
    data.write_text("{}\n")

    published = publish(data, models)

    assert fetch(published.uri, tmp_path / "cache").read_text() == "{}\n"
    assert digest_of(published.uri) == published.digest


def test_foreign_object_has_another_digest_after_a_change(
    s3_server: S3Server, s3_bucket: str, tmp_path: Path
) -> None:
    client, uri = s3_server.client(), f"s3://{s3_bucket}/export.jsonl"
    client.put_object(s3_bucket, "export.jsonl", io.BytesIO(b"old"), 3)
    before = digest_of(uri)
    client.put_object(s3_bucket, "export.jsonl", io.BytesIO(b"new"), 3)

    assert digest_of(uri) != before
    assert fetch(uri, tmp_path).read_text() == "new"


def test_upload_killed_in_the_middle_is_not_visible_and_resumes(
    model_directory: Path, models: str, s3_server: S3Server, s3_bucket: str, tmp_path: Path
) -> None:
    (model_directory / "model.safetensors").write_bytes(os.urandom(200 << 20))
    command = [sys.executable, "-m", "intentflow.cli.main", "publish", model_directory, models]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    client = s3_server.client()
    deadline = time.monotonic() + 60
    while not any(client.list_objects(s3_bucket, recursive=True)) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=10) == -signal.SIGKILL
    uri = f"{models}/sha256-{sha256_directory(model_directory)}"

    with pytest.raises(IntentflowError, match="not published completely"):
        fetch(uri, tmp_path / "cache")
    assert 0 < publish(model_directory, models).uploaded_files < 7
    assert digest_of(uri) == sha256_directory(fetch(uri, tmp_path / "cache"))


def test_corrupted_object_is_found_on_fetch_and_mended_by_publishing(
    model_directory: Path, models: str, s3_server: S3Server, s3_bucket: str, tmp_path: Path
) -> None:
    uri = publish(model_directory, models).uri
    weights = f"{_key(uri)}/model.safetensors"
    s3_server.client().put_object(s3_bucket, weights, io.BytesIO(b"\0" * 16384), 16384)

    with pytest.raises(IntentflowError, match=r"model\.safetensors: damaged in storage"):
        fetch(uri, tmp_path / "cache")
    assert not (tmp_path / "cache" / Path(uri).name).exists()
    assert publish(model_directory, models).uploaded_files == 1
    assert fetch(uri, tmp_path / "cache").is_dir()


def test_lost_object_is_named(
    model_directory: Path, models: str, s3_server: S3Server, s3_bucket: str, tmp_path: Path
) -> None:
    uri = publish(model_directory, models).uri
    s3_server.client().remove_object(s3_bucket, f"{_key(uri)}/config.json")

    with pytest.raises(IntentflowError, match=r"config\.json: no such object"):
        fetch(uri, tmp_path / "cache")


def test_nothing_there_is_named(models: str, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"models/nothing: no such object, nor a directory"):
        fetch(f"{models}/nothing", tmp_path)


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_key_is_one_line(
    model_directory: Path, models: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "wrong-key")
    with pytest.raises(IntentflowError, match="check AWS_ACCESS_KEY_ID") as caught:
        publish(model_directory, models)
    assert "\n" not in str(caught.value)
    assert "wrong-key" not in str(caught.value)


def test_missing_bucket_is_named(model_directory: Path, models: str) -> None:
    with pytest.raises(IntentflowError, match=r"s3://no-such-bucket: no such bucket"):
        publish(model_directory, "s3://no-such-bucket/models")


def test_server_down_is_one_line(
    model_directory: Path, models: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(IntentflowError, match="cannot be reached") as caught:
        publish(model_directory, models)
    assert "\n" not in str(caught.value)


def test_missing_credentials_are_named(models: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(IntentflowError, match="no S3 credentials: set AWS_ACCESS_KEY_ID"):
        digest_of(models)


def test_full_disk_keeps_what_was_fetched_before(
    model_directory: Path, models: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = fetch(publish(model_directory, models).uri, tmp_path / "cache")
    (model_directory / "taxonomy.yaml").write_text("intents: {}")
    uri = publish(model_directory, models).uri
    monkeypatch.setattr("intentflow.storage.s3.S3Store.download", download)

    with pytest.raises(IntentflowError, match="disk full while writing"):
        fetch(uri, tmp_path / "cache")
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [before.name]


def test_untrusted_certificate_is_refused(
    model_directory: Path, models: str, kube_api: KubeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL", kube_api.server)  # a TLS server with its own authority
    with pytest.raises(IntentflowError, match="name the authority's file in AWS_CA_BUNDLE"):
        publish(model_directory, models)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(kube_api.certificate))
    with pytest.raises(IntentflowError) as caught:
        publish(model_directory, models)
    assert "AWS_CA_BUNDLE" not in str(caught.value)


def test_command_prints_where(
    model_directory: Path, models: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(model_directory), models]) == 0
    assert capsys.readouterr().out == f"{models}/sha256-{sha256_directory(model_directory)}\n"


def test_command_says_what_is_wrong_in_one_line(
    model_directory: Path, models: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", str(model_directory), "s3://no-such-bucket/models"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("intentflow publish: error: s3://no-such-bucket: no such bucket")
    assert error.count("\n") == 1


def _write_log(bucket: str) -> str:
    """Corrections as the transformer keeps them; returns their folder."""
    store = S3Store()
    for day in ("2026-11-20", "2026-11-21"):
        row = {"instruction": f"weather on {day}", "output": f"weather_search({day})"}
        content = f"{json.dumps(row)}\n".encode()
        store.write(parse_s3(f"s3://{bucket}/log/feedback/{day}/1-pod.jsonl"), content)
    return f"s3://{bucket}/log/feedback"


def test_corrections_below_a_key_are_converted_like_a_folder(
    s3_bucket: str, tmp_path: Path
) -> None:
    summary = convert([_write_log(s3_bucket)], tmp_path / "rows.jsonl")
    assert (summary.kept, summary.rejected) == (2, 0)


def test_one_more_object_below_a_key_is_another_digest(s3_bucket: str) -> None:
    uri = _write_log(s3_bucket)
    before = digest_of(uri, allow_prefix=True)
    S3Store().write(parse_s3(f"{uri}/2026-11-22/1-pod.jsonl"), b"{}")
    assert digest_of(uri, allow_prefix=True) != before


def test_a_key_with_nothing_below_it_is_named(s3_bucket: str, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="no such object"):
        fetch(f"s3://{s3_bucket}/nothing", tmp_path, allow_prefix=True)
