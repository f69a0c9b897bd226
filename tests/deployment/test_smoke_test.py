"""Known utterances: the file that holds them, and what counts as a wrong answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.deployment.smoke_test import Probe, ask, read_model_taxonomy, read_probes
from intentflow.errors import CheckFailed, IntentflowError
from intentflow.taxonomy import Taxonomy

TAXONOMY = Taxonomy.from_mapping({"intents": {"greet": {}}}, "taxonomy.yaml")


def _file(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_first_rows_are_asked(tmp_path: Path) -> None:
    rows = [{"instruction": str(number), "output": "greet()"} for number in range(20)]
    probes = read_probes(_file(tmp_path, *rows))
    assert [probe.utterance for probe in probes] == [str(number) for number in range(8)]


def test_predictions_are_what_the_answers_have_to_be(tmp_path: Path) -> None:
    row = {"instruction": "hi", "output": "greet()", "prediction": "bye()"}
    assert read_probes(_file(tmp_path, row))[0].evaluated == "bye()"


def test_row_without_an_utterance_is_named(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"rows\.jsonl: .*1: instruction is missing"):
        read_probes(_file(tmp_path, {"text": "hi"}))


@pytest.mark.parametrize("content", ["", "{"])
def test_broken_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content)
    with pytest.raises(IntentflowError, match=r"rows\.jsonl"):
        read_probes(path)


def test_model_without_a_taxonomy_has_none(tmp_path: Path) -> None:
    assert read_model_taxonomy(str(tmp_path)) is None


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("nonsense", "the answer is not a call"),
        ("rob_bank()", r"not a call of the taxonomy \(rob_bank\)"),
        ("greet();greet()", "differs from the evaluated one"),
    ],
)
def test_wrong_answer_is_reported_by_its_row(
    monkeypatch: pytest.MonkeyPatch, answer: str, fault: str
) -> None:
    monkeypatch.setattr("intentflow.deployment.smoke_test._answers", lambda *_: [answer])
    probe = Probe("rows.jsonl: row 1", "hi, it is Ada", "greet()")
    with pytest.raises(
        CheckFailed, match=f"1 of 1 utterances incorrectly: rows.jsonl: row 1: .*{fault}"
    ) as reported:
        ask("http://banking", [probe], TAXONOMY)
    assert "Ada" not in str(reported.value)


def test_answer_in_other_words_is_the_same_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intentflow.deployment.smoke_test._answers", lambda *_: ["greet( )"])
    ask("http://banking", [Probe("rows.jsonl: row 1", "hi", "greet()")], TAXONOMY)
