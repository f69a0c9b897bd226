"""``intentflow predict --data``: answers to many utterances in a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.calibration import CALIBRATION_FILE, Calibration
from intentflow.artifacts.predictions import PredictedRow
from intentflow.cli.main import main
from intentflow.conversion import convert
from intentflow.errors import InputError
from intentflow.inference.engines import Answer
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.serving.model_files import ServedModel, read_served_model
from intentflow.serving.prelabels import engine_asks, write_prelabels
from tests.models import one_thread
from tests.serving.transformer.conftest import write_model


class Echo:
    """An engine that plays what is asked for, and cannot answer "nothing"."""

    name = "echo"
    constrained = False
    version: str | None = None
    grammar_backend: str | None = None

    def answer(self, instructions: Sequence[str], keep: Any = None) -> list[Answer]:  # noqa: ARG002
        texts = ["none (" if text == "nothing" else f"play({text})" for text in instructions]
        ranking = {"play": 0.7, "stop": 0.3}
        return [Answer(text, 0.1, confidence=0.8, ranking=ranking) for text in texts]


def _rows(folder: Path, name: str, content: str, **options: Any) -> list[PredictedRow]:
    source, out = folder / name, folder / "predictions.jsonl"
    source.write_text(content, encoding="utf-8")
    write_prelabels(str(source), out, engine_asks(Echo()), **options)
    return PredictedRow.read_rows(out)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lines.txt", "jazz\nrock\n"),
        ("table.csv", "text\njazz\nrock\n"),
        ("rows.jsonl", '{"text": "jazz"}\n{"text": "rock", "label": "stop()"}\n'),
    ],
)
def test_each_utterance_has_its_answer_in_order(tmp_path: Path, name: str, content: str) -> None:
    found = [(row.instruction, row.prediction) for row in _rows(tmp_path, name, content)]
    assert found == [("jazz", "play(jazz)"), ("rock", "play(rock)")]


def test_an_answer_has_confidence_and_ranking(tmp_path: Path) -> None:
    (row,) = _rows(tmp_path, "lines.txt", "jazz\n")
    assert row.confidence == 0.8
    assert [(it.intent, it.probability) for it in row.ranking or ()] == [
        ("play", 0.7),
        ("stop", 0.3),
    ]


def halved_model(folder: Path, threshold: float | None) -> ServedModel:
    """A model whose calibrated confidences are half of the logit of the raw ones."""
    path = write_model(folder / "model")
    Calibration(
        slope=0.5,
        intercept=0.0,
        oos_threshold=threshold,
        n=100,
        data_digest="",
        ece_raw=0.2,
        ece=0.1,
        engine="echo",
        constrained=True,
    ).write(path / CALIBRATION_FILE)
    return read_served_model(str(path))


def test_a_models_calibration_gives_its_confidence(tmp_path: Path) -> None:
    (row,) = engine_asks(Echo(), halved_model(tmp_path, None))(["jazz"])
    assert row.confidence == pytest.approx(2 / 3)
    assert row.prediction == "play(jazz)"


def test_an_answer_below_the_models_threshold_is_out_of_scope_as_a_service_gives_it(
    tmp_path: Path,
) -> None:
    (row,) = engine_asks(Echo(), halved_model(tmp_path, 0.7))(["jazz"])
    assert row.prediction == "oos()"


def test_the_answers_are_pre_labels_for_a_labelling_tool(tmp_path: Path) -> None:
    _rows(tmp_path, "lines.txt", "jazz\n")
    convert(str(tmp_path / "predictions.jsonl"), tmp_path / "tasks.json", to="label-studio")
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    assert task["data"]["instruction"] == "jazz"
    assert task["predictions"][0]["result"][0]["value"]["text"] == ["play(jazz)"]


def test_answers_that_are_no_calls_are_kept_and_counted(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("jazz\nnothing\n")
    source, out = str(tmp_path / "lines.txt"), tmp_path / "out.jsonl"
    found = write_prelabels(source, out, engine_asks(Echo()))
    assert (found.rows, found.malformed, found.intents) == (2, 1, {"play": 1})


def test_rows_without_an_utterance_are_listed(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "jazz"}\n{"text": ""}\n')
    out = tmp_path / "out.jsonl"
    found = write_prelabels(str(tmp_path / "rows.jsonl"), out, engine_asks(Echo()))
    (reject,) = (tmp_path / "out.rejects.jsonl").read_text().splitlines()
    assert (found.rejected, json.loads(reject)["reason"]) == (1, "blank_text")
    assert found.rejects == str(tmp_path / "out.rejects.jsonl")


def test_no_list_of_rejected_rows_is_named_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("jazz\n")
    out = tmp_path / "out.jsonl"
    found = write_prelabels(str(tmp_path / "lines.txt"), out, engine_asks(Echo()))
    assert (found.rejects, list(tmp_path.glob("*.rejects.jsonl"))) == (None, [])


def test_a_dialogues_id_stays(tmp_path: Path) -> None:
    content = '{"text": "jazz", "dialogue": "d7", "rounds": 2}\n'
    (row,) = _rows(tmp_path, "rows.jsonl", content)
    assert (row.dialogue, row.rounds) == ("d7", 2)


def test_the_answers_are_the_owners_alone(tmp_path: Path) -> None:
    _rows(tmp_path, "lines.txt", "jazz\n")
    assert (tmp_path / "predictions.jsonl").stat().st_mode & 0o077 == 0


def test_a_named_field_that_is_missing_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no field ask"):
        _rows(tmp_path, "table.csv", "text\njazz\n", field="ask")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hello", "--data", "rows.txt"], "give an utterance, or a file"),
        ([], "give an utterance, or a file"),
        (["--data", "rows.txt"], "--data needs -o F.jsonl"),
        (["--data", "rows.txt", "-o", "rows.csv"], "--data needs -o F.jsonl"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", *arguments]) == 2
    err = capsys.readouterr().err
    assert (err.count("\n"), message in err) == (1, True), err


def test_a_model_directory_answers_a_file(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lines.txt").write_text("play some jazz\nrain in Oslo\n")
    out = str(tmp_path / "out.jsonl")
    data = str(tmp_path / "lines.txt")
    with one_thread():
        assert main(["predict", "--data", data, "--model", str(tiny_model), "-o", out]) == 0
    rows = PredictedRow.read_rows(out)
    assert [row.instruction for row in rows] == ["play some jazz", "rain in Oslo"]
    engine = TransformersEngine(tiny_model, constrained=True)
    with one_thread():
        answers = engine.answer([row.instruction for row in rows])
    assert [(row.prediction, row.confidence) for row in rows] == [
        (answer.text, answer.confidence) for answer in answers
    ]
