"""A training that goes on with a model of intentflow: its weights, tokens and limits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from intentflow.artifacts.training import TRAINING_FILE, TrainingRecord
from intentflow.errors import IntentflowError
from intentflow.models.base_models import load_model, load_tokenizer
from intentflow.prompts import intent_tokens
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example
from intentflow.storage import digest_of
from intentflow.taxonomy import Intent, Taxonomy
from intentflow.training.sft import train
from tests.models import TAXONOMY, make_tokenizer, one_thread, recipe, rows

NEW = Taxonomy(intents={**TAXONOMY.intents, "cancel": Intent()})
CANCEL = [Example(f"cancel it {word}", "cancel()") for word in ("now", "today", "please")]
# A rate at which no weight moves: what the new model has is what it began with.
STILL = {"learning_rate": 1e-30, "max_steps": 1}


def _recipe(base: Path, **changes: Any) -> Recipe:
    return recipe(base, **{"intent_tokens": True, **changes})


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A model that has learned, so that its weights are not those of its base."""
    folder = tmp_path_factory.mktemp("champion") / "model"
    with one_thread():
        train(_recipe(tiny_base_model, max_steps=3), rows(), [], folder, TAXONOMY)
    return folder


@pytest.fixture(scope="module")
def continued(
    tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path, champion: Path
) -> Path:
    """A model that went on with the champion, with an intent that is new since then."""
    folder = tmp_path_factory.mktemp("continued") / "model"
    with one_thread():
        settings = _recipe(tiny_base_model, start_from=str(champion), **STILL)
        train(settings, [*rows(), *CANCEL], [], folder, NEW)
    return folder


def _embeddings(folder: Path) -> torch.Tensor:
    found: torch.Tensor = load_model(str(folder)).get_input_embeddings().weight.float()
    return found


def _tokens(folder: Path) -> dict[str, int]:
    return intent_tokens(load_tokenizer(str(folder)))


def test_it_begins_with_the_weights_of_the_model(champion: Path, continued: Path) -> None:
    before = load_model(str(champion)).state_dict()
    after = load_model(str(continued)).state_dict()
    inner = [name for name in before if "layers" in name]
    assert inner and all(torch.equal(before[name], after[name]) for name in inner)


def test_it_does_not_begin_with_those_of_the_base(continued: Path, tiny_base_model: Path) -> None:
    base = load_model(str(tiny_base_model), dtype=torch.bfloat16).state_dict()
    after = load_model(str(continued), dtype=torch.bfloat16).state_dict()
    assert any(not torch.equal(base[name], after[name]) for name in base if "layers" in name)


def test_intents_that_it_knows_keep_their_tokens_and_rows(champion: Path, continued: Path) -> None:
    tokens = _tokens(champion)
    assert tokens and tokens.items() <= _tokens(continued).items()
    ids = list(tokens.values())
    assert torch.equal(_embeddings(champion)[ids], _embeddings(continued)[ids])


def test_a_new_intent_gets_a_row_of_its_own(champion: Path, continued: Path) -> None:
    token = _tokens(continued)["cancel()"]
    assert token not in _tokens(champion).values()
    pieces = load_tokenizer(str(champion))("cancel()", add_special_tokens=False)["input_ids"]
    mean = _embeddings(champion)[pieces].mean(0)
    assert torch.allclose(_embeddings(continued)[token], mean, atol=1e-2)


def test_the_record_has_the_base_and_the_digest_of_the_model(
    champion: Path, continued: Path, tiny_base_model: Path
) -> None:
    record = TrainingRecord.read(continued / TRAINING_FILE)
    assert record.start_digest == digest_of(str(champion))
    assert record.recipe.model_name_or_path == str(tiny_base_model)


def test_a_model_that_went_on_can_be_gone_on_with(
    tmp_path: Path, continued: Path, tiny_base_model: Path
) -> None:
    settings = _recipe(tiny_base_model, start_from=str(continued), **STILL)
    with one_thread():
        record = train(settings, rows(), [], tmp_path / "model", TAXONOMY)
    assert record.start_digest == digest_of(str(continued))


def test_an_adapter_names_the_model_that_it_is_trained_on(
    tmp_path: Path, champion: Path, tiny_base_model: Path
) -> None:
    settings = _recipe(tiny_base_model, method="lora", start_from=str(champion), **STILL)
    with one_thread():
        train(settings, rows(), [], tmp_path / "model", TAXONOMY)
    adapter = json.loads((tmp_path / "model/adapter/adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"] == str(champion)


def _changed(champion: Path, folder: Path, file: str, **changes: Any) -> Path:
    """A copy of the champion, with other values in one of its files."""
    shutil.copytree(champion, folder)
    document = json.loads((folder / file).read_text(encoding="utf-8"))
    document.update(changes)
    (folder / file).write_text(json.dumps(document), encoding="utf-8")
    return folder


def _refused(settings: Recipe, folder: Path, message: str) -> None:
    with pytest.raises(IntentflowError, match=message) as caught:
        train(settings, rows(), [], folder / "new", TAXONOMY)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert not (folder / "new").exists()


def test_a_model_of_another_base_is_refused(
    tmp_path: Path, champion: Path, tiny_base_model: Path
) -> None:
    other = shutil.copytree(tiny_base_model, tmp_path / "other")
    settings = _recipe(other, start_from=str(champion))
    _refused(settings, tmp_path, "was trained with model_name_or_path .* and the recipe has")


@pytest.mark.parametrize(
    ("key", "value"),
    [("taxonomy_in_prompt", "names"), ("language", "zh"), ("system_prompt", "Answer.")],
)
def test_a_model_of_another_prompt_is_refused(
    tmp_path: Path, champion: Path, tiny_base_model: Path, key: str, value: str
) -> None:
    settings = _recipe(tiny_base_model, start_from=str(champion), **{key: value})
    _refused(settings, tmp_path, f"was trained with {key}")


def test_a_model_with_intent_tokens_is_refused_where_answers_are_to_be_text(
    tmp_path: Path, champion: Path, tiny_base_model: Path
) -> None:
    settings = _recipe(tiny_base_model, start_from=str(champion), intent_tokens=False)
    _refused(settings, tmp_path, "was trained with intent_tokens, and the recipe asks")


def test_a_quantized_model_is_refused(
    tmp_path: Path, champion: Path, tiny_base_model: Path
) -> None:
    quantized = {"quantization_config": {"quant_method": "awq"}}
    start = _changed(champion, tmp_path / "awq", "config.json", **quantized)
    settings = _recipe(tiny_base_model, start_from=str(start))
    _refused(settings, tmp_path, r"is quantized \(awq\) and cannot be trained")


def test_a_model_whose_base_has_another_tokenizer_now_is_refused(
    tmp_path: Path, champion: Path, tiny_base_model: Path
) -> None:
    base = shutil.copytree(tiny_base_model, tmp_path / "base")
    recorded = json.loads((champion / TRAINING_FILE).read_text())["recipe"]
    named = {"recipe": {**recorded, "model_name_or_path": str(base)}}
    start = _changed(champion, tmp_path / "start", TRAINING_FILE, **named)
    make_tokenizer("llama3").save_pretrained(base)
    settings = _recipe(base, start_from=str(start))
    _refused(settings, tmp_path, "the tokenizer of .* is not that of")


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("champion", "known to graphs with a registry alone"),
        ("/nowhere/model", "there is no such folder"),
    ],
)
def test_a_start_that_is_not_there_is_refused(
    tmp_path: Path, tiny_base_model: Path, start: str, message: str
) -> None:
    _refused(_recipe(tiny_base_model, start_from=start), tmp_path, message)


def test_a_base_model_is_no_start(tmp_path: Path, tiny_base_model: Path) -> None:
    settings = _recipe(tiny_base_model, start_from=str(tiny_base_model))
    _refused(settings, tmp_path, "start_from: .* .give a model that intentflow train wrote")


def test_dpo_has_its_own_start() -> None:
    with pytest.raises(IntentflowError, match="starts from the model that it corrects"):
        Recipe.from_mapping(
            {
                "model_name_or_path": "a",
                "method": "dpo",
                "start_from": "b",
                "learning_rate": 1,
                "num_train_epochs": 1,
            },
            "recipe.yaml",
        )
