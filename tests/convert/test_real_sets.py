"""Real exports give exactly their rows."""

import json
from pathlib import Path

import pytest

from intentflow.convert import convert

SAMPLES = Path(__file__).parent / "samples"
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "snips"
SHARED = ROOT.parent / "shared" / "data"


@pytest.mark.parametrize("name", ["crosswoz_zh", "nlupp_multi"])
def test_a_manifest_gives_the_rows_that_went_into_it(tmp_path: Path, name: str) -> None:
    convert([str(SAMPLES / f"{name}.manifest")], tmp_path / "out.json")
    assert _load(tmp_path / "out.json") == _load(SAMPLES / f"{name}.json")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the full data sets are not here")
@pytest.mark.parametrize("name", ["banking77", "clinc150", "snips", "nlupp_multi", "crosswoz_zh"])
def test_a_full_manifest_gives_the_rows_that_went_into_it(tmp_path: Path, name: str) -> None:
    summary = convert([str(SHARED / f"{name}.train.manifest.gz")], tmp_path / "out.json")
    assert _load(tmp_path / "out.json") == _load(SHARED / f"{name}.train.json")
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
