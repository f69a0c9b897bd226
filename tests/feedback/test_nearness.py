"""Nearness to reference rows by the embeddings of an encoder."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.artifacts.drift import DriftStatistic
from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.feedback.drift.measurement import measure_drift
from intentflow.models.embeddings import embedding_similarities
from tests.baselines.conftest import save_encoder
from tests.feedback.drift_rows import answered
from tests.models import one_thread, rows

TEXTS = [row.instruction for row in rows(1)]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_encoder(tmp_path_factory.mktemp("encoder") / "tiny"))


def test_a_known_text_is_the_nearest_to_itself_whatever_its_batch(encoder: str) -> None:
    with one_thread():
        (found,) = embedding_similarities(encoder, TEXTS * 3, TEXTS)
    assert found == pytest.approx([1.0] * len(TEXTS), abs=1e-5)


def test_another_text_is_less_near(encoder: str) -> None:
    with one_thread():
        same, other = embedding_similarities(encoder, TEXTS[:1], TEXTS[:1], TEXTS[-1:])
    assert other[0] < same[0] - 0.01


def _nearness(encoder: str | None) -> DriftStatistic:
    with one_thread():
        report = measure_drift(answered(200, 1), answered(200, 2), encoder=encoder)
    assert report.encoder == encoder
    return next(one for one in report.statistics if one.name == "nearness")


def test_the_report_of_drift_has_the_nearness_of_its_encoder(encoder: str) -> None:
    assert _nearness(encoder).cells != _nearness(None).cells


def test_an_encoder_without_padding_is_refused(tmp_path: Path) -> None:
    folder = str(save_encoder(tmp_path / "bare", padding=False))
    with pytest.raises(InputError, match="its tokenizer has no padding"):
        embedding_similarities(folder, TEXTS, TEXTS)


def test_an_encoder_that_is_missing_ends_the_command_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"instruction": "play", "output": "play()", "prediction": "play()"}\n' * 200)
    line = ["drift", "--reference", str(file), "--requests", str(_log(tmp_path))]
    assert main([*line, "--encoder", str(tmp_path / "none")]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def _log(folder: Path) -> Path:
    from tests.feedback.service_logs import request, write_store

    return write_store(folder / "log", [request(str(at), f"a {at}", "a()") for at in range(200)])
