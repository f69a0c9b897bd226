"""The quantize component; ``tests/quantize`` quantizes."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.components.quantize.component import quantize
from tests.components.calls import call, rows

ROW = ("play Abba", "play_music(Abba)")


def _quantize(folder: Path, model: Path, method: str) -> None:
    call(
        quantize,
        folder,
        model=model,
        calibration_set=rows(folder / "train.jsonl", ROW),
        validation_set=rows(folder / "validation.jsonl"),
        config={"method": method},
    )


def test_an_unknown_method_ends_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        _quantize(tmp_path, tmp_path, "int3")
    assert stopped.value.code == 2
    assert "method" in capsys.readouterr().err


def test_a_folder_that_is_no_model_ends_the_step_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as stopped:
        _quantize(tmp_path, tmp_path / "empty", "awq")
    assert stopped.value.code == 2
    assert "intentflow quantize: error: " in capsys.readouterr().err
    assert not (tmp_path / "quantized").exists()
