"""The evaluate component, on a tiny model with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.components.evaluate.component import evaluate
from intentflow.records import read_records
from tests.components.calls import call, rows
from tests.models import one_thread

ROWS = [("weather in Oslo", "weather_search(Oslo)"), ("play Abba", "play_music(Abba)")]


def _evaluate(folder: Path, model: Path, **config: Any) -> dict[str, Any]:
    test_set = rows(folder / "test.jsonl", *ROWS)
    with one_thread():
        return call(evaluate, folder, model=model, test_set=test_set, config=config)


@pytest.fixture(scope="module")
def scored(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Outputs of one evaluation."""
    return _evaluate(tmp_path_factory.mktemp("scored"), tiny_model, engine="transformers")


def test_the_page_shows_the_scores_of_the_metrics_file(scored: dict[str, Any]) -> None:
    metrics = json.loads(Path(scored["metrics"].path).read_text())
    shown = scored["scores"].metadata
    assert shown["n"] == metrics["n"] == len(ROWS)
    assert shown["intent_accuracy"] == metrics["intent_accuracy"]


def test_every_row_has_its_prediction(scored: dict[str, Any]) -> None:
    predicted = read_records(Path(scored["predictions"].path))
    assert [row.instruction for row in predicted] == [utterance for utterance, _ in ROWS]


@pytest.mark.parametrize("output", ["scores", "confusion"])
def test_what_is_metadata_alone_is_on_disk_for_the_cache(
    scored: dict[str, Any], output: str
) -> None:
    assert json.loads(Path(scored[output].path).read_text()) == scored[output].metadata


def test_without_a_champion_nothing_is_handed_on(scored: dict[str, Any]) -> None:
    assert scored["Output"] == {}


@pytest.fixture(scope="module")
def compared(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Outputs where a model is in service, which is the same one."""
    folder = tmp_path_factory.mktemp("compared")
    test_set = rows(folder / "test.jsonl", *ROWS)
    given = {"model": tiny_model, "test_set": test_set, "champion_model": str(tiny_model)}
    with one_thread():
        return call(evaluate, folder, config={"engine": "transformers"}, **given)


def test_the_model_in_service_is_scored_on_the_same_rows(compared: dict[str, Any]) -> None:
    metrics = json.loads(Path(compared["metrics"].path).read_text())
    champion = compared["Output"]
    for key in ("n", "data_digest", "model_digest", "intent_accuracy"):
        assert champion[key] == metrics[key]


def test_the_report_compares_with_the_model_in_service(compared: dict[str, Any]) -> None:
    text = Path(compared["report"].path).read_text(encoding="utf-8")
    assert "differs from the champion by no more than chance" in text


def test_report_is_a_page(scored: dict[str, Any]) -> None:
    text = Path(scored["report"].path).read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")


def test_a_folder_that_is_no_model_ends_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as stopped:
        _evaluate(tmp_path, tmp_path / "empty", engine="transformers")
    assert stopped.value.code == 2
    assert "intentflow evaluate: error: " in capsys.readouterr().err
