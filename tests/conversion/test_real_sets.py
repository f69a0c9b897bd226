"""Real exports give exactly their rows."""

import json
from pathlib import Path

import pytest

from intentflow.conversion import convert
from tests.public_sets import EXPORTED, complete, complete_export, sample, sample_export

EXAMPLE = Path(__file__).parents[2] / "examples" / "snips"


@pytest.mark.parametrize("name", EXPORTED)
def test_a_manifest_gives_the_rows_that_went_into_it(tmp_path: Path, name: str) -> None:
    summary = convert([str(sample_export(name))], tmp_path / "out.json")
    assert _load(tmp_path / "out.json") == _load(sample(name))
    assert summary.normalised == 0


@pytest.mark.shared
@pytest.mark.parametrize("name", EXPORTED)
def test_a_complete_manifest_gives_the_rows_that_went_into_it(tmp_path: Path, name: str) -> None:
    summary = convert([str(complete_export(name))], tmp_path / "out.json")
    assert _load(tmp_path / "out.json") == _load(complete(name))
    assert summary.normalised == 0


def test_the_bundled_example_keeps_its_good_rows_and_lists_the_others(tmp_path: Path) -> None:
    summary = convert([str(EXAMPLE / "labels.manifest")], tmp_path / "out.jsonl")
    assert summary.kept == 700
    assert summary.reasons == {
        "abandoned": 3,
        "blank_answer": 2,
        "empty_result": 1,
        "not_json": 1,
        "truncated": 1,
    }


def _load(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8"))
