"""What a training refuses before it loads anything: places, rows and settings that cannot work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.records import Example, write_records
from intentflow.storage.completeness import require_replaceable
from intentflow.training.sft import make_job, train
from tests.models import TAXONOMY, recipe, rows

ROWS = [Example("weather in Oslo", "weather_search(Oslo)"), Example("put on Abba", "play_music()")]


@pytest.fixture
def thesis(tmp_path: Path) -> Path:
    """A folder with somebody's only copy of something."""
    folder = tmp_path / "keep"
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")
    return folder


def _train(data: Path, output: Path, *more: str) -> int:
    command = ["train", "--recipe", "smollm2-135m/full", "--train", str(data), "-o", str(output)]
    return main([*command, *more])


def test_a_folder_with_other_files_is_not_replaced(
    thesis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "train.jsonl", ROWS)
    assert _train(tmp_path / "train.jsonl", thesis) == 2
    assert "contains files that are not a model" in capsys.readouterr().err
    assert (thesis / "thesis.txt").exists()


def test_rows_inside_the_output_are_not_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "sets/train.jsonl", ROWS)
    assert _train(tmp_path / "sets/train.jsonl", tmp_path / "sets") == 2
    assert "which the new model will replace" in capsys.readouterr().err
    assert (tmp_path / "sets/train.jsonl").exists()


@pytest.mark.parametrize("name", [".", ""])
def test_the_working_folder_is_not_replaced(
    name: str, thesis: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(thesis)
    with pytest.raises(IntentflowError, match="contains files that are not a model"):
        require_replaceable(name)


def test_a_former_model_may_be_replaced(model_directory: Path) -> None:
    require_replaceable(model_directory)


def test_a_missing_file_is_named_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _train(tmp_path / "nope.jsonl", tmp_path / "model") == 2
    assert "nope.jsonl: No such file" in capsys.readouterr().err


def test_early_stopping_without_validation_rows_is_refused(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    patient = recipe(tiny_base_model, early_stopping_patience=1)
    with pytest.raises(IntentflowError, match="early_stopping_patience needs validation rows"):
        train(patient, rows(), [], tmp_path / "model", TAXONOMY)


def test_no_step_at_all_is_refused(tiny_base_model: Path) -> None:
    with pytest.raises(IntentflowError, match="max_steps: 0 trains nothing"):
        recipe(tiny_base_model, max_steps=0)


def test_rows_without_a_readable_answer_are_refused(tiny_base_model: Path, tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="no row has a label that parses"):
        train(recipe(tiny_base_model), [Example("x", "x(")], [], tmp_path / "model")


def test_training_rows_are_no_validation_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "train.jsonl", ROWS)
    write_records(tmp_path / "same.json", ROWS)
    same = str(tmp_path / "same.json")
    assert _train(tmp_path / "train.jsonl", tmp_path / "model", "--validation", same) == 2
    assert "same.json: these are the training rows" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("place", "message"),
    [("store", "expected s3://bucket/prefix"), ("s3://", "the bucket is missing")],
)
def test_a_place_that_is_no_bucket_is_refused_before_training(
    place: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "train.jsonl", ROWS)
    assert _train(tmp_path / "train.jsonl", tmp_path / "model", "--publish", place) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_no_generator_takes_is_refused(seed: int, tiny_base_model: Path) -> None:
    with pytest.raises(IntentflowError, match="seed: expected a number"):
        recipe(tiny_base_model, seed=seed)


def test_a_row_that_exceeds_the_base_models_context_is_refused(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    long = [*ROWS, Example("rain " * 900, "weather_search(Oslo)")]
    with pytest.raises(IntentflowError, match="1 of 3 rows are longer than the context of"):
        train(recipe(tiny_base_model), long, [], tmp_path / "model", TAXONOMY)


def test_a_rank_beyond_the_models_width_is_refused(tiny_base_model: Path, tmp_path: Path) -> None:
    wide = recipe(tiny_base_model, method="lora", lora_r=257)
    with pytest.raises(IntentflowError, match="lora_r 257 is more than the base model's width, 64"):
        train(wide, ROWS, [], tmp_path / "model", TAXONOMY)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", "{}", "a file of it is missing or damaged (KeyError: 'added_tokens')"),
        ("tokenizer.json", "{", "tokenizer.json is not JSON"),
        ("config.json", "[1", "config.json is not JSON"),
        ("chat_template.jinja", "hello", "cannot render a question and its answer (it leaves out"),
        ("chat_template.jinja", "{% if %}", "cannot render a question and its answer (Template"),
    ],
)
def test_a_damaged_base_model_is_named_with_its_file(
    name: str, content: str, message: str, tiny_base_model: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_base_model, tmp_path / "base")
    (tmp_path / "base" / name).write_text(content)
    with pytest.raises(IntentflowError) as caught:
        train(recipe(tmp_path / "base"), ROWS, [], tmp_path / "model", TAXONOMY)
    assert message in str(caught.value)


def test_tokens_of_a_step_are_of_the_rows_that_there_are(tiny_base_model: Path) -> None:
    few, many = (recipe(tiny_base_model, global_batch_size=size) for size in (2, 200))
    plans = [make_job(one, ROWS, [], TAXONOMY)[1] for one in (few, many)]
    assert plans[0].tokens_per_step == plans[1].tokens_per_step


def test_a_model_that_lacks_weights_is_not_completed_by_random_ones(
    tiny_base_model: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny_base_model, tmp_path / "base")
    weights = load_file(tmp_path / "base/model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "layers.1." not in name}
    save_file(kept, tmp_path / "base/model.safetensors", metadata={"format": "pt"})
    message = r"the weights lack 9 of the model's tensors, the first is model\.layers\.1\."
    with pytest.raises(IntentflowError, match=message):
        train(recipe(tmp_path / "base"), ROWS, [], tmp_path / "model", TAXONOMY)
    assert not (tmp_path / "model").exists()
