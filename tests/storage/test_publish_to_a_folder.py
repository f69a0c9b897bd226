"""Publishing to a local folder, and what counts as a complete model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.errors import IntentflowError
from intentflow.io.files import sha256_directory, sha256_file
from intentflow.storage import digest_of, fetch, publish


def test_directory_is_named_by_its_digest(model_directory: Path, tmp_path: Path) -> None:
    published = publish(model_directory, str(tmp_path / "store"))

    digest = sha256_directory(model_directory)
    assert published.digest == digest
    assert published.uri == f"{tmp_path}/store/sha256-{digest}"
    assert (published.files, published.uploaded_files) == (7, 7)


def test_published_directory_keeps_its_digest(model_directory: Path, tmp_path: Path) -> None:
    published = publish(model_directory, tmp_path / "store")

    assert digest_of(published.uri) == published.digest
    assert publish(published.uri, tmp_path / "other").digest == published.digest


def test_second_publish_copies_nothing(model_directory: Path, tmp_path: Path) -> None:
    publish(model_directory, tmp_path / "store")
    assert publish(model_directory, tmp_path / "store").uploaded_files == 0


def test_damaged_copy_is_replaced(model_directory: Path, tmp_path: Path) -> None:
    first = publish(model_directory, tmp_path / "store")
    (Path(first.uri) / "model.safetensors").write_bytes(b"damaged")

    assert publish(model_directory, tmp_path / "store").uploaded_files == 7
    assert digest_of(first.uri) == first.digest


def test_one_file_keeps_its_name(tmp_path: Path) -> None:
    data = tmp_path / "train.jsonl"
    data.write_text('{"instruction": "hi", "output": "greet()"}\n')

    published = publish(data, tmp_path / "store")

    assert published.uri == f"{tmp_path}/store/sha256-{sha256_file(data)}/train.jsonl"
    assert digest_of(published.uri) == published.digest == sha256_file(data)


@pytest.mark.parametrize(
    "name", ["config.json", "prompt.json", "training.json", "tokenizer.json", "model.safetensors"]
)
def test_model_without_a_part_is_refused(model_directory: Path, tmp_path: Path, name: str) -> None:
    (model_directory / name).unlink()

    with pytest.raises(IntentflowError, match=r"incomplete model directory: .* missing"):
        publish(model_directory, tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("model.safetensors", "model.safetensors is empty"),
        ("tokenizer.json", "tokenizer.json is not JSON"),
        ("config.json", "config.json is not JSON"),
    ],
)
def test_a_model_with_an_empty_part_is_refused(
    name: str, fault: str, model_directory: Path, tmp_path: Path
) -> None:
    (model_directory / name).write_bytes(b"")
    with pytest.raises(IntentflowError, match=f"damaged model directory: {fault}"):
        publish(model_directory, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_folder_is_not_published_into_itself(model_directory: Path) -> None:
    with pytest.raises(IntentflowError, match="whose content and digest the copy would change"):
        publish(model_directory, model_directory / "store")
    assert not (model_directory / "store").exists()


def test_missing_shard_is_named(model_directory: Path, tmp_path: Path) -> None:
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (model_directory / "model.safetensors.index.json").write_text(json.dumps(index))
    (model_directory / "model.safetensors").rename(model_directory / "model-1.safetensors")

    with pytest.raises(IntentflowError, match=r"model-2\.safetensors missing"):
        publish(model_directory, tmp_path / "store")


def test_bare_adapter_is_refused(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")

    with pytest.raises(IntentflowError, match="publish the merged model"):
        publish(adapter, tmp_path / "store")


def test_somebody_elses_manifest_is_not_overwritten(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "manifest.json").write_text('{"source-ref": "x"}')
    (data / "train.jsonl").write_text("{}")

    with pytest.raises(IntentflowError, match="not a manifest that"):
        publish(data, tmp_path / "store")


def test_missing_source_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="No such file or directory"):
        publish(tmp_path / "nothing", tmp_path / "store")


def test_unknown_scheme_is_named(model_directory: Path) -> None:
    with pytest.raises(IntentflowError, match=r"gs:// is not supported"):
        publish(model_directory, "gs://bucket/models")


def test_local_path_is_fetched_as_it_is(model_directory: Path, tmp_path: Path) -> None:
    assert fetch(model_directory, tmp_path / "cache") == model_directory


@pytest.mark.parametrize("which", ["source", "destination"])
def test_an_empty_name_is_refused(which: str, tmp_path: Path) -> None:
    names = {"source": str(tmp_path), "destination": str(tmp_path / "out"), which: ""}
    with pytest.raises(IntentflowError, match=f"the {which} of publish is empty"):
        publish(names["source"], names["destination"])


def test_a_scheme_without_a_bucket_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}")
    with pytest.raises(IntentflowError, match="the bucket is missing"):
        publish(tmp_path / "rows.jsonl", "s3://")
