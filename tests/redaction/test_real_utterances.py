"""The detectors on the public sets: nothing is taken for private, and what is planted is found."""

import json
import random
from functools import cache
from pathlib import Path

import pytest

from intentflow.redaction.analyzer import find_personal_data
from tests.public_sets import SETS, in_complete_set, in_sample
from tests.redaction.planted import ALL

FILES = [*map(in_sample, SETS), *(in_complete_set(name, part="*") for name in SETS)]


@cache
def _rows(files: Path) -> list[dict[str, str]]:
    return [
        row
        for path in sorted(files.parent.glob(files.name))
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("files", FILES)
def test_nothing_in_a_public_set_is_taken_for_personal_data(files: Path) -> None:
    texts = [row[key] for row in _rows(files) for key in ("instruction", "output")]
    assert texts
    assert [text for text in texts if find_personal_data(text)] == []


@pytest.mark.parametrize("files", FILES)
def test_what_is_planted_in_a_public_set_is_found(files: Path) -> None:
    chance = random.Random(0)
    missed = []
    for kind, value in ALL * 5:
        text = chance.choice(_rows(files))["instruction"]
        planted = f"{text}，{value}。" if not text.isascii() else f"{text} {value}, thanks"
        kinds = {span.kind for span in find_personal_data(planted)}
        if kinds != {kind}:
            missed.append((planted, kinds))
    assert missed == []
