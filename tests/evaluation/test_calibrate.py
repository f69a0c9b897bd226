"""``intentflow calibrate``: from validation rows to the file in the model directory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from intentflow.artifacts.calibration import CALIBRATION_FILE, Calibration
from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.evaluation import calibrate
from intentflow.evaluation.calibrate import calibrate_model
from intentflow.evaluation.run import Evaluation, evaluate_model, score
from intentflow.inference.calibration import read_calibration
from intentflow.inference.engines import Answer
from intentflow.inference.subject import Subject
from intentflow.records import Example, content_digest, write_records
from intentflow.storage import digest_of
from intentflow.taxonomy import Taxonomy
from tests.models import rows

TAXONOMY = Taxonomy.model_validate({"intents": {"play": {}, "stop": {}}, "out_of_scope": "oos"})
Row = tuple[str, str, float | None]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    TAXONOMY.write(folder / "taxonomy.yaml")
    return folder


def _answer_with(rows: Sequence[Row], taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch) -> None:
    def evaluate(model: str, examples: Sequence[Example], **_: object) -> Evaluation:
        answers = [Answer(prediction, 0.1, sure) for _, prediction, sure in rows]
        subject = Subject("transformers", True, taxonomy=taxonomy)
        return score(examples, answers, subject, 1.0)

    monkeypatch.setattr(calibrate, "evaluate_model", evaluate)


def _calibrate(
    model: Path, rows: Sequence[Row], monkeypatch: pytest.MonkeyPatch, taxonomy: Taxonomy = TAXONOMY
) -> Calibration:
    _answer_with(rows, taxonomy, monkeypatch)
    taxonomy.write(model / "taxonomy.yaml")
    return calibrate_model(model, [Example(f"row {i}", row[0]) for i, row in enumerate(rows)])


SURE: list[Row] = [("play()", "play()", 0.9)] * 30
UNSURE: list[Row] = [("oos()", "play()", 0.3)] * 10


def test_what_was_fitted_lies_in_the_model(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = _calibrate(model, SURE + UNSURE, monkeypatch)
    assert read_calibration(model) == fitted
    assert (fitted.n, fitted.engine, fitted.constrained) == (40, "transformers", True)


def test_the_rows_it_was_fitted_on_are_known_by_digest(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = [Example(f"row {i}", "play()") for i in range(30)]
    assert _calibrate(model, SURE, monkeypatch).data_digest == content_digest(examples)


def test_a_calibration_changes_the_models_digest(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest_of(model)
    _calibrate(model, SURE, monkeypatch)
    assert digest_of(model) != before


def test_calibrating_again_changes_nothing(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _calibrate(model, SURE + UNSURE, monkeypatch)
    before = digest_of(model)
    _calibrate(model, SURE + UNSURE, monkeypatch)
    assert digest_of(model) == before


MANY_SURE: list[Row] = [("play()", "play()", 0.5 + place / 200) for place in range(99)]


def test_the_threshold_leaves_the_stated_share_of_rows_in_scope_below(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = _calibrate(model, MANY_SURE + UNSURE, monkeypatch)
    assert (fitted.oos_false_alarm_rate, fitted.oos_rows) == (0.02, 99)
    assert fitted.oos_score == "confidence"
    assert fitted.oos_threshold == pytest.approx(fitted.apply(MANY_SURE[1][2] or 0.0))


def test_the_threshold_needs_no_row_that_is_out_of_scope(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = _calibrate(model, MANY_SURE, monkeypatch)
    assert alone.oos_threshold is not None
    assert alone.oos_rows == 99


def test_what_a_threshold_finds_is_reported(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _calibrate(model, MANY_SURE + UNSURE, monkeypatch)
    assert "of 10 rows out of scope 10 are below" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "taxonomy", "printed"),
    [
        (SURE + UNSURE, Taxonomy(intents=TAXONOMY.intents), "names no out_of_scope intent"),
        (SURE + UNSURE, TAXONOMY, "30 rows in scope are too few for a false-alarm rate of 0.02"),
    ],
)
def test_without_a_threshold_the_reason_is_reported(
    rows: list[Row],
    taxonomy: Taxonomy,
    printed: str,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _calibrate(model, rows, monkeypatch, taxonomy).oos_threshold is None
    assert printed in capsys.readouterr().err


def test_few_rows_are_warned_of(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _calibrate(model, SURE[:29], monkeypatch)
    assert "fitted on only 29 rows" in capsys.readouterr().err


def test_confidences_that_say_nothing_are_warned_of(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong_way: list[Row] = [
        *[("play()", "play()", 0.2)] * 200,
        *[("play()", "stop()", 0.99)] * 200,
    ]
    _calibrate(model, wrong_way, monkeypatch)
    assert "do not separate correct from wrong answers" in capsys.readouterr().err


def test_an_engine_without_confidences_cannot_calibrate(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(IntentflowError, match="gives no confidences"):
        _calibrate(model, [("play()", "play()", None)], monkeypatch)
    assert not (model / CALIBRATION_FILE).exists()


def test_rows_without_a_confidence_are_counted_and_left_out(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _calibrate(model, [*SURE, ("play()", "", None)], monkeypatch).n == 30
    assert "1 of 31 rows have no confidence" in capsys.readouterr().err


def test_an_endpoint_has_no_folder_for_a_calibration() -> None:
    with pytest.raises(IntentflowError, match="is an endpoint"):
        calibrate_model("http://127.0.0.1:1", [Example("x", "play()")])


# --- the command, with a model


@pytest.fixture
def files(tiny_model: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of a model directory, and validation rows."""
    folder, data = tmp_path / "copy", tmp_path / "validation.jsonl"
    shutil.copytree(tiny_model, folder)
    write_records(data, rows()[40:48])
    return folder, data


def test_the_command_writes_a_calibration_that_evaluation_applies(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, data = files
    assert main(["calibrate", "--model", str(folder), "--data", str(data), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["model_digest"] == digest_of(folder)
    evaluation = evaluate_model(str(folder), rows()[40:48])
    assert evaluation.metrics.calibration.fitted
    assert evaluation.metrics.calibration.ece == pytest.approx(summary["ece"], abs=1e-3)


def test_a_calibration_of_unconstrained_answers_is_named_where_it_is_applied_to_others(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, data = files
    arguments = ["--model", str(folder), "--data", str(data)]
    assert main(["calibrate", *arguments, "--no-constrained"]) == 0
    capsys.readouterr()
    evaluate_model(str(folder), rows()[40:42], engine="transformers", constrained=True)
    assert "fitted on unconstrained answers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "printed"), [("none.jsonl", "No such file"), ("empty.jsonl", "the file is empty")]
)
def test_validation_rows_that_are_not_there_are_one_line(
    data: str, printed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert main(["calibrate", "--model", "m", "--data", str(tmp_path / data)]) == 2
    error = capsys.readouterr().err
    assert printed in error
    assert len(error.splitlines()) == 1


def test_a_damaged_calibration_stops_evaluation_in_one_line(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, data = files
    (folder / CALIBRATION_FILE).write_text("{")
    output = str(tmp_path / "metrics.json")
    assert main(["evaluate", "--model", str(folder), "--data", str(data), "-o", output]) == 2
    assert "calibration.json: not JSON; remove it" in capsys.readouterr().err
