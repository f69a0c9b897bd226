"""The bundled encoder learns the example's intents."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.baselines.encoder import answer_by_encoder
from intentflow.baselines.labels import LabelledTexts, intents_label
from intentflow.cli.main import main
from intentflow.environment import resource
from intentflow.records import read_records

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_the_bundled_encoder_learns_from_the_examples_rows(tmp_path: Path) -> None:
    example = resource("examples") / "snips"
    written = str(tmp_path / "rows.jsonl")
    assert main(["convert", str(example / "labels.manifest"), "-o", written]) == 0
    test = read_records(example / "test.jsonl")
    training = LabelledTexts.of(read_records(written)[:256])
    answers = answer_by_encoder(training, [row.instruction for row in test], epochs=8)
    gold = [intents_label(row.output) for row in test]
    assert sum(a == b for a, b in zip(answers.texts, gold, strict=True)) / len(gold) > 0.9
