"""4-bit copies of a model directory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from intentflow.artifacts.calibration import CALIBRATION_FILE, Calibration
from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.inference.calibration import read_calibration
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.models.base_models import load_model
from intentflow.models.directory import check_model_directory
from intentflow.prompts import PromptSpec
from intentflow.quantization import quantize
from intentflow.quantization.compress import group_size
from intentflow.records import content_digest, write_records
from tests.models import one_thread, rows

CARRIED = ["prompt.json", "taxonomy.yaml", "README.md", "training.json", "training.html"]
ROWS = rows()[:8]


@pytest.fixture(scope="module", params=["gptq", "awq"])
def compressed(
    request: pytest.FixtureRequest, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("quantized") / "model"
    with one_thread():
        quantize(tiny_model, folder, method=request.param, calibration=ROWS)
    return folder


def test_a_compressed_model_is_a_complete_model_directory(compressed: Path) -> None:
    assert check_model_directory(compressed) == compressed


@pytest.mark.parametrize("name", CARRIED)
def test_what_makes_it_an_intent_model_is_carried_over(
    name: str, compressed: Path, tiny_model: Path
) -> None:
    assert (compressed / name).read_bytes() == (tiny_model / name).read_bytes()


def test_the_prompt_is_still_the_trained_one(compressed: Path, tiny_model: Path) -> None:
    before, after = (PromptSpec.read(f / "prompt.json") for f in (tiny_model, compressed))
    assert after.digest == before.digest


def test_the_weights_have_four_bits(compressed: Path) -> None:
    config = json.loads((compressed / "config.json").read_text())["quantization_config"]
    assert config["config_groups"]["group_0"]["weights"]["num_bits"] == 4


def test_it_ends_answers_where_the_trained_one_does(compressed: Path, tiny_model: Path) -> None:
    ends = [
        json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
        for folder in (compressed, tiny_model)
    ]
    assert ends[0] == ends[1]


def test_it_loads_and_is_near_the_trained_one(compressed: Path, tiny_model: Path) -> None:
    ids = torch.arange(3, 60)[None]
    with torch.inference_mode():
        near, exact = (
            load_model(str(folder), dtype=torch.float32)(ids).logits
            for folder in (compressed, tiny_model)
        )
    assert not torch.equal(near, exact)
    assert torch.nn.functional.cosine_similarity(near, exact, dim=-1).min() > 0.9


def test_it_answers_without_a_bar_of_the_library(
    compressed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = TransformersEngine(compressed, constrained=True).answer(["play Queen"])
    assert (len(answers), capfd.readouterr().err) == (1, "")


def test_its_files_can_be_read_by_a_server_of_another_user(compressed: Path) -> None:
    assert all(file.stat().st_mode & 0o444 == 0o444 for file in compressed.iterdir())


def test_the_command_tells_what_it_wrote(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "rows.jsonl", ROWS)
    target = tmp_path / "m"
    arguments = ["--model", str(tiny_model), "-o", str(target), "--method", "gptq", "--json"]
    assert main(["quantize", *arguments, "--calibration", str(tmp_path / "rows.jsonl")]) == 0
    shown = capsys.readouterr()
    (line,) = shown.out.splitlines()  # progress goes to standard error
    assert [text for text in ("it/s", "WARNING", "METRIC") if text in shown.err] == []
    summary = json.loads(line)
    assert (summary["method"], summary["calibration_rows"]) == ("gptq", len(ROWS))
    assert summary == json.loads((target / "quantization.json").read_text())


def test_rows_to_calibrate_on_are_needed(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="needs training rows to calibrate on"):
        quantize(tiny_model, tmp_path / "m", method="gptq")


def test_an_unknown_method_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="--method int3: choose awq or gptq"):
        quantize(tiny_model, tmp_path / "m", method="int3", calibration=ROWS)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="there is no such folder"):
        quantize(tmp_path / "none", tmp_path / "m", method="gptq", calibration=ROWS)


def test_a_model_that_is_compressed_already_is_refused(compressed: Path, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="has 4-bit weights already"):
        quantize(compressed, tmp_path / "m", method="gptq", calibration=ROWS)


def _layers(*widths: int) -> Any:
    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList(torch.nn.Linear(width, 8) for width in widths)

        def get_output_embeddings(self) -> None:
            return None

    return Model()


SHAPES = {
    "Llama-3-8B": (4096, 1024, 14336),
    "Mistral-7B": (4096, 1024, 14336),
    "Qwen1.5-1.8B": (2048, 5504),
    "Qwen1.5-0.5B": (1024, 2816),
    "SmolLM2-135M": (576, 192, 1536),
    "narrow": (96, 128),
}
SIZES = dict.fromkeys(SHAPES, 128) | {"SmolLM2-135M": 64, "narrow": 32}


@pytest.mark.parametrize("name", SHAPES)
def test_the_group_is_the_largest_that_divides_every_layer(name: str) -> None:
    assert group_size(_layers(*SHAPES[name])) == SIZES[name]


def test_layers_that_no_group_divides_are_named() -> None:
    with pytest.raises(IntentflowError, match=r"layers of widths \[48, 64\] cannot be divided"):
        group_size(_layers(64, 48))


def _with_calibration(model: Path, folder: Path) -> Path:
    shutil.copytree(model, folder)
    fitted = Calibration(
        slope=1,
        intercept=0,
        n=40,
        data_digest="d",
        ece_raw=0.1,
        ece=0.1,
        engine="transformers",
        constrained=True,
    )
    fitted.write(folder / CALIBRATION_FILE)
    return folder


def test_the_calibration_of_other_weights_is_left_out_and_reported(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _with_calibration(tiny_model, tmp_path / "model")
    report = quantize(model, tmp_path / "copy", method="gptq", calibration=ROWS)
    assert report.confidences == "left out"
    assert read_calibration(tmp_path / "copy") is None
    assert "calibration.json is left out" in capsys.readouterr().err


def test_confidences_are_fitted_again_on_validation_rows(tiny_model: Path, tmp_path: Path) -> None:
    validation = rows()[:6]
    report = quantize(
        tiny_model, tmp_path / "m", method="gptq", calibration=ROWS, validation=validation
    )
    fitted = read_calibration(tmp_path / "m")
    assert report.confidences == "fitted"
    assert fitted is not None and fitted.data_digest == content_digest(validation)
