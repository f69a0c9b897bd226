"""``intentflow evaluate``."""

from __future__ import annotations

import json
import stat
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.prompts import PromptSpec
from intentflow.records import content_digest, write_records
from intentflow.storage import digest_of
from tests.evaluation.test_metrics import KEYS
from tests.models import TAXONOMY, damage_json, rows

EXAMPLES = rows()[40:46]
GIVEN = [
    {"instruction": "play Queen", "output": "play_music(Queen)", "prediction": "play_music(Queen)"},
    {"instruction": "play Abba", "output": "play_music(Abba)", "prediction": "sing(Abba)"},
]


def _write_lines(path: Path, documents: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return str(path)


def _evaluate(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit status, and metrics where some were written."""
    output = folder / "metrics.json"
    status = main(["evaluate", "-o", str(output), *arguments])
    return status, json.loads(output.read_text()) if output.exists() else {}


@pytest.fixture
def given(tmp_path: Path) -> str:
    return _write_lines(tmp_path / "given.jsonl", GIVEN)


@pytest.fixture
def data(tmp_path: Path) -> str:
    write_records(tmp_path / "data.jsonl", EXAMPLES)
    return str(tmp_path / "data.jsonl")


def test_given_predictions_are_scored(given: str, tmp_path: Path) -> None:
    status, metrics = _evaluate(tmp_path, "--predictions-in", given)
    assert (status, metrics["n"], metrics["intent_accuracy"]) == (0, 2, 0.5)


def test_labels_that_are_no_calls_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*GIVEN, {**GIVEN[0], "output": ""}, {**GIVEN[0], "output": "play_music("}]
    status, _ = _evaluate(tmp_path, "--predictions-in", _write_lines(tmp_path / "g.jsonl", rows))
    assert status == 0
    assert "2 of 4 rows have a label that is no call" in capsys.readouterr().err


def test_given_predictions_were_measured_on_no_model(given: str, tmp_path: Path) -> None:
    _, metrics = _evaluate(tmp_path, "--predictions-in", given)
    unknown = ("model_digest", "prompt_digest", "rows_per_second")
    assert metrics["engine"] == "given"
    assert [metrics[key] for key in unknown] == [None, None, None]


def test_given_predictions_take_a_taxonomy(given: str, tmp_path: Path) -> None:
    TAXONOMY.write(tmp_path / "taxonomy.yaml")
    taxonomy = str(tmp_path / "taxonomy.yaml")
    _, metrics = _evaluate(tmp_path, "--predictions-in", given, "--taxonomy", taxonomy)
    assert metrics["off_taxonomy_rate"] == 0.5


def test_given_json_answers_are_read_as_json(tmp_path: Path) -> None:
    answer = '[{"intent": "play_music", "parameters": ["Queen"]}]'
    given = _write_lines(tmp_path / "given.jsonl", [{**GIVEN[0], "prediction": answer}])
    _, metrics = _evaluate(tmp_path, "--predictions-in", given, "--output-format", "json")
    assert metrics["parameter_accuracy"] == 1.0


def test_written_predictions_score_the_same_again(given: str, tmp_path: Path) -> None:
    written = str(tmp_path / "written.jsonl")
    _, first = _evaluate(tmp_path, "--predictions-in", given, "--predictions", written)
    _, second = _evaluate(tmp_path, "--predictions-in", written)
    assert first == second


def test_the_predictions_file_is_the_owners_alone(given: str, tmp_path: Path) -> None:
    written = tmp_path / "written.jsonl"
    _evaluate(tmp_path, "--predictions-in", given, "--predictions", str(written))
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_the_summary_is_one_json_line(
    given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _evaluate(tmp_path, "--predictions-in", given, "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["intent_accuracy"] == 0.5


def test_a_model_is_scored_with_report_and_predictions(
    tiny_model: Path, data: str, tmp_path: Path
) -> None:
    report, written = tmp_path / "report.html", tmp_path / "written.jsonl"
    status, metrics = _evaluate(
        tmp_path,
        *("--model", str(tiny_model), "--data", data),
        *("--report", str(report), "--predictions", str(written)),
    )
    assert status == 0
    assert set(metrics) == KEYS
    assert len(written.read_text().splitlines()) == len(EXAMPLES)
    assert "<html" in report.read_text()


def test_what_was_measured_on_what_is_recorded(tiny_model: Path, data: str, tmp_path: Path) -> None:
    _, metrics = _evaluate(tmp_path, "--model", str(tiny_model), "--data", data, "--no-constrained")
    assert (metrics["engine"], metrics["constrained"]) == ("transformers", False)
    assert metrics["model_digest"] == digest_of(str(tiny_model))
    assert metrics["data_digest"] == content_digest(EXAMPLES)
    assert metrics["prompt_digest"] == PromptSpec.read(tiny_model / "prompt.json").digest


@pytest.mark.parametrize(("flag", "backend"), [("", "llguidance"), ("--no-constrained", None)])
def test_the_engine_is_recorded_with_version_and_grammar(
    flag: str, backend: str | None, tiny_model: Path, data: str, tmp_path: Path
) -> None:
    flags = ["--engine", "transformers", *filter(None, [flag])]
    _, metrics = _evaluate(tmp_path, "--model", str(tiny_model), "--data", data, *flags)
    assert metrics["engine_version"] == metadata.version("transformers")
    assert (metrics["quantization"], metrics["grammar_backend"]) == (None, backend)


def _copy_of(model: Path, folder: Path) -> Path:
    """The model directory with its large files linked."""
    folder.mkdir()
    for file in model.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_a_model_whose_prompt_was_changed_is_refused(
    tiny_model: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _copy_of(tiny_model, tmp_path / "m")
    damage_json(model / "prompt.json", system="Ahoy.")
    assert _evaluate(tmp_path, "--model", str(model), "--data", data) == (2, {})
    assert "was changed after training" in capsys.readouterr().err


WRONG: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "give --model and --data, or --predictions-in"),
    "no data": (["--model", "{model}"], "give --model and --data"),
    "both": (["--predictions-in", "{given}", "--model", "m"], "replaces --model"),
    "no file": (["--predictions-in", "{folder}/none.jsonl"], "none.jsonl: No such file"),
    "no model": (["--model", "{folder}/none", "--data", "{data}"], "there is no such folder"),
    "empty folder": (["--model", "{folder}/hollow", "--data", "{data}"], "there is no model in"),
    "lines": (["--predictions-in", "{data}"], "line 1: expected the texts instruction, output"),
    "empty": (["--predictions-in", "{folder}/empty.jsonl"], "the file is empty"),
    "taxonomy": (
        ["--model", "{model}", "--data", "{data}", "--taxonomy", "{folder}/taxonomy.yaml"],
        "has its own taxonomy, prompt and output format",
    ),
    "format": (
        ["--model", "{model}", "--data", "{data}", "--output-format", "json"],
        "has its own taxonomy, prompt and output format",
    ),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_bad_usage_and_bad_input_are_one_readable_line(
    case: str,
    tiny_model: Path,
    data: str,
    given: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "hollow").mkdir()
    TAXONOMY.write(tmp_path / "taxonomy.yaml")
    arguments, message = WRONG[case]
    places = {"model": tiny_model, "data": data, "given": given, "folder": tmp_path}
    assert _evaluate(tmp_path, *(part.format(**places) for part in arguments)) == (2, {})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("intentflow evaluate: error: ")
    assert message in lines[0]
