"""Component ``resolve``: digests of what is there now."""

from pathlib import Path
from typing import Any

import pytest

from intentflow.components.resolve.component import resolve
from intentflow.pipeline.code_version import code_version
from tests.components.calls import call, rows


def _resolve(folder: Path, split: dict[str, Any] | None = None) -> tuple[Any, ...]:
    given = {
        "sources": [str(folder)],
        "split": split or {},
        "champion": "",
        "deploy": {},
        "code_version": code_version(),
    }
    return tuple(call(resolve, folder, **given)["Output"])


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A folder with a labelling export."""
    (folder := tmp_path / "labels").mkdir()
    rows(folder / "first.jsonl", ("play jazz", "play(jazz)"))
    return folder


def test_a_source_without_a_change_has_the_same_digest(labels: Path) -> None:
    assert _resolve(labels)[0] == _resolve(labels)[0] != ""


def test_a_new_file_below_a_source_is_another_digest(labels: Path) -> None:
    former = _resolve(labels)[0]
    rows(labels / "second.jsonl", ("play rock", "play(rock)"))
    assert _resolve(labels)[0] != former


def test_the_test_file_has_a_digest(labels: Path, tmp_path: Path) -> None:
    test = rows(tmp_path / "test.jsonl", ("play soul", "play(soul)"))
    assert _resolve(labels, {"test": str(test)})[1] != ""


def test_without_a_test_file_there_is_no_digest_of_one(labels: Path) -> None:
    assert _resolve(labels)[1] == ""


def test_a_first_model_has_no_champion(labels: Path) -> None:
    assert _resolve(labels)[2:] == ({}, "")


def test_a_missing_source_ends_the_step(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        _resolve(tmp_path / "missing")
