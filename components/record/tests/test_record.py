"""The record component: rows are stored and entered with their origin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.record.component import record
from intentflow.io.files import sha256_file
from intentflow.records import read_records
from intentflow.registry import Registry
from tests.components.calls import call, rows
from tests.feedback.service_logs import correction, write_store


def _record(folder: Path, more: dict[str, Any] | None = None, **config: str) -> str:
    (folder / "validation").write_text("")
    given: dict[str, Any] = {
        "train_set": rows(folder / "train", ("play jazz", "play()"), ("stop it", "stop()")),
        "validation_set": folder / "validation",
        "test_set": rows(folder / "test", ("stop", "stop()")),
        "sources": ["s3://labels/a", "s3://labels/b"],
        "sources_digest": "aa etags-bb",
        "convert": {"format": "csv"},
        "curate": {},
        "split": {"seed": 4},
        "config": config,
        "run": "run-1",
        **(more or {}),
    }
    return str(call(record, folder, **given)["Output"])


def test_rows_are_stored_under_their_digest(tmp_path: Path) -> None:
    added = _record(tmp_path, registry=str(tmp_path / "registry"))
    entry = Registry(tmp_path / "registry").entry(added)
    assert entry.uri == str(tmp_path / f"registry/data/sha256-{entry.digest}")
    assert sha256_file(Path(entry.uri) / "train.jsonl") == sha256_file(tmp_path / "train")
    assert [row.instruction for row in read_records(Path(entry.uri) / "test.jsonl")] == ["stop"]


def test_origin_recipe_and_numbers_of_rows_are_entered(tmp_path: Path) -> None:
    added = _record(tmp_path, registry=str(tmp_path / "registry"))
    entry = Registry(tmp_path / "registry").entry(added)
    assert [(one.uri, one.digest) for one in entry.sources] == [
        ("s3://labels/a", "aa"),
        ("s3://labels/b", "etags-bb"),
    ]
    assert entry.recipe == {"convert": {"format": "csv"}, "curate": {}, "split": {"seed": 4}}
    assert entry.rows == {"train": 2, "validation": 0, "test": 1}


def test_formats_and_annotators_of_exports_and_of_corrections_are_origins(tmp_path: Path) -> None:
    lines = [
        correction("r1", "stop", "stop()", annotator="ann"),
        correction("r2", "go", "go()", annotator="bob"),
        correction("r3", "wait", "wait()"),
    ]
    log = str(write_store(tmp_path / "log", lines))
    (tmp_path / "origins").write_text(
        json.dumps({"s3://labels/a/x.json": ["prodigy", "prodigy:eve"]})
    )
    place = {"registry": str(tmp_path / "registry")}
    logs = {"feedback": [log], "feedback_digest": "cc", "origins": tmp_path / "origins"}
    entry = Registry(place["registry"]).entry(_record(tmp_path, logs, **place))
    assert [one.origins for one in entry.sources] == [
        ["prodigy", "prodigy:eve"],
        [],
        ["ann", "bob"],
    ]


def test_the_step_again_enters_the_same(tmp_path: Path) -> None:
    first = _record(tmp_path, registry=str(tmp_path / "registry"))
    assert _record(tmp_path, registry=str(tmp_path / "registry")) == first


def test_without_a_registry_nothing_is_written(tmp_path: Path) -> None:
    assert _record(tmp_path) == ""
    assert not (tmp_path / "registry").exists()


def test_a_registry_that_cannot_be_written_ends_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as stopped:
        _record(tmp_path, registry=str(tmp_path / "file"))
    assert stopped.value.code == 2
    assert "intentflow record: error: cannot write" in capsys.readouterr().err
