"""The detectors on the public sets: what is changed was judged, and what is planted is found."""

import json
import random
from functools import cache
from pathlib import Path

import pytest

from intentflow.records import Example
from intentflow.redaction.analyzer import find_personal_data
from intentflow.redaction.anonymizer import redact_example
from tests.public_sets import SETS, in_complete_set, in_sample, sample
from tests.redaction.planted import ALL

FILES = [*map(in_sample, SETS), *(in_complete_set(name, part="*") for name in SETS)]


@cache
def _rows(files: Path) -> list[dict[str, str]]:
    return [
        row
        for path in sorted(files.parent.glob(files.name))
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


JUDGED = json.loads(
    (Path(__file__).parents[1] / "data" / "redaction_judged.json").read_text("utf-8")
)
MAX_FALSE_SHARE = 1 / 5_000


def _changed(files: Path) -> list[str]:
    rows = [redact_example(Example(row["instruction"], row["output"])) for row in _rows(files)]
    return [row.instruction for row, kinds in rows if kinds]


@pytest.mark.parametrize("files", FILES)
def test_each_row_of_a_public_set_that_is_changed_was_judged(files: Path) -> None:
    assert _rows(files)
    assert set(_changed(files)) <= {row["instruction"] for row in JUDGED}


def test_of_five_thousand_real_rows_at_most_one_is_changed_wrongly() -> None:
    false = {row["instruction"] for row in JUDGED if row["verdict"] == "false"}
    files = [sample(name) for name in SETS]
    changed = [text for file in files for text in _changed(file)]
    assert sum(text in false for text in changed) <= MAX_FALSE_SHARE * sum(
        len(_rows(file)) for file in files
    )


@pytest.mark.parametrize("files", FILES)
def test_what_is_planted_in_a_public_set_is_found(files: Path) -> None:
    chance = random.Random(0)
    missed = []
    for kind, value in ALL * 5:
        text = chance.choice(_rows(files))["instruction"]
        planted = f"{text}，{value}。" if not text.isascii() else f"{text}, {value}, thanks"
        kinds = {span.kind for span in find_personal_data(planted)}
        if kinds != {kind}:
            missed.append((planted, kinds))
    assert missed == []
