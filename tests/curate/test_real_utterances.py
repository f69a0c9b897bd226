"""The detectors on the public sets: nothing is taken for private, and what is planted is found."""

import json
import random
from functools import cache
from pathlib import Path

import pytest

from intentflow.redaction.analyzer import find_personal_data
from tests.redaction.planted import ALL

SHARED = Path(__file__).parents[3] / "shared" / "data"
SETS = ["banking77", "clinc150", "snips", "nlupp_multi", "crosswoz_zh", "crosswoz_zh_rounds"]

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the full data sets are not here")


@cache
def _rows(name: str) -> list[dict[str, str]]:
    return [
        row
        for path in sorted(SHARED.glob(f"{name}.*.json"))
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("name", SETS)
def test_nothing_in_a_public_set_is_taken_for_personal_data(name: str) -> None:
    texts = [row[key] for row in _rows(name) for key in ("instruction", "output")]
    assert [text for text in texts if find_personal_data(text)] == []


@pytest.mark.parametrize("name", SETS)
def test_what_is_planted_in_a_public_set_is_found(name: str) -> None:
    chance = random.Random(0)
    missed = []
    for kind, value in ALL * 5:
        text = chance.choice(_rows(name))["instruction"]
        planted = f"{text}，{value}。" if not text.isascii() else f"{text} {value}, thanks"
        kinds = {span.kind for span in find_personal_data(planted)}
        if kinds != {kind}:
            missed.append((planted, kinds))
    assert missed == []
