"""Keys and links of somebody else's making write and read nothing outside their folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.storage import publish
from intentflow.storage.manifest import parse
from tests.storage.hostile_s3 import hostile_s3


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("form", ["logs/{}", "logs//{}", "logs/./x", "logs/../../x", "logs/a\\b"])
def test_hostile_object_key_is_refused_in_one_line(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside.jsonl"
    out = tmp_path / "out" / "rows.jsonl"
    with hostile_s3([form.format(outside)]) as url:
        monkeypatch.setenv("S3_ENDPOINT_URL", url)
        assert main(["convert", "s3://bucket/logs", "-o", str(out)]) == 2

    error = capsys.readouterr().err
    assert "s3://bucket/logs: the name" in error
    assert "is refused" in error
    assert error.count("\n") == 1
    assert not outside.exists()
    assert not out.exists()


@pytest.mark.usefixtures("credentials")
def test_plain_object_key_is_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "rows.jsonl"
    with hostile_s3(["logs/2026/rows.jsonl"]) as url:
        monkeypatch.setenv("S3_ENDPOINT_URL", url)
        assert main(["convert", "s3://bucket/logs", "-o", str(out)]) == 0
    assert "greet()" in out.read_text()


def test_link_out_of_a_model_is_not_published(model_directory: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not to be published")
    (model_directory / "notes.txt").symlink_to(secret)

    with pytest.raises(IntentflowError, match=r"notes\.txt: a symbolic link"):
        publish(model_directory, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_link_to_a_folder_is_not_silently_left_out(model_directory: Path, tmp_path: Path) -> None:
    (model_directory / "extra").mkdir()
    (model_directory / "again").symlink_to("extra")

    with pytest.raises(IntentflowError, match="again is a link to a folder"):
        publish(model_directory, tmp_path / "store")


def test_link_within_a_model_is_published_as_a_file(model_directory: Path, tmp_path: Path) -> None:
    (model_directory / "copy.json").symlink_to("config.json")

    folder = Path(publish(model_directory, tmp_path / "store").uri)
    assert (folder / "copy.json").read_bytes() == (folder / "config.json").read_bytes()
    assert not (folder / "copy.json").is_symlink()


_ENTRY = {"path": "a", "sha256": "0" * 64, "bytes": 1}


@pytest.mark.parametrize(
    "entry",
    [
        {"bytes": -1},
        {"bytes": 1.5},
        {"bytes": True},
        {"bytes": 10**30},
        {"bytes": "1"},
        {"sha256": "0" * 63},
        {"sha256": None},
        {"path": 7},
    ],
)
def test_manifest_with_an_odd_value_is_refused(entry: dict[str, object]) -> None:
    document = {"format": "intentflow-manifest/1", "digest": "0", "files": [{**_ENTRY, **entry}]}
    with pytest.raises(IntentflowError, match="not a manifest"):
        parse(json.dumps(document), "manifest.json")


def test_newer_manifest_is_refused_with_what_to_do() -> None:
    document = {"format": "intentflow-manifest/2", "objects": []}
    with pytest.raises(IntentflowError, match=r"/2 is newer than .*/1, .*: update intentflow"):
        parse(json.dumps(document), "manifest.json")


def test_manifest_that_is_too_deep_is_refused() -> None:
    with pytest.raises(IntentflowError, match="not a manifest"):
        parse("[" * 200_000, "manifest.json")


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a//b", "a\0b", "a\\b", "."])
def test_manifest_cannot_name_a_file_outside(path: str) -> None:
    document = {
        "format": "intentflow-manifest/1",
        "digest": "0",
        "files": [{**_ENTRY, "path": path}],
    }
    with pytest.raises(IntentflowError, match="is refused"):
        parse(json.dumps(document), "manifest.json")
