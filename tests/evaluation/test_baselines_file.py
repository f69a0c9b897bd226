"""Reading ``baselines.json``: a file that is none is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.artifacts.baselines import Baselines
from intentflow.errors import IntentflowError

GOOD = {"data_digest": "d", "n": 3, "baselines": {"linear": {"intent_accuracy": 0.9}}}


def _written(folder: Path, text: str) -> Path:
    (folder / "baselines.json").write_text(text, encoding="utf-8")
    return folder / "baselines.json"


def test_the_complete_document_is_read(tmp_path: Path) -> None:
    read = Baselines.read(_written(tmp_path, json.dumps(GOOD)))
    assert read.model_dump(exclude_unset=True, exclude={"schema_version"}) == GOOD


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "contains no baselines"),
        ('{"n": 3, "intent_accuracy": 1}', "contains no baselines"),
        ('{"baselines": {"linear": 1}}', r"baselines\.linear has no intent_accuracy"),
        ('{"baselines": {"linear": {"intent_accuracy": null}}}', r"baselines\.linear has no"),
        ('{"baselines": {"linear": {"intent_accuracy": NaN}}}', r"baselines\.linear has no"),
        ('{"baselines": {"linear": {"intent_accuracy": 97}}}', r"baselines\.linear has no"),
    ],
)
def test_a_file_without_baselines_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=message):
        Baselines.read(_written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"none\.json: No such file"):
        Baselines.read(tmp_path / "none.json")
