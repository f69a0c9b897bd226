"""Recipes: known keys only, the console's names next to Hugging Face's, documented defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.errors import IntentflowError
from intentflow.recipe.recipe import Recipe, recipe_path, shipped_recipes

BASE: dict[str, Any] = {
    "model_name_or_path": "bundled:smollm2-135m-instruct",
    "method": "lora",
    "learning_rate": 1e-4,
    "num_train_epochs": 1,
}
# learning rate, global batch, epochs, rank, alpha, dropout, early stopping
DOCUMENTED = {
    "qwen1.5-1.8b-chat/lora": (3e-4, 256, 5, 64, 16, 0.0, None),
    "qwen1.5-1.8b-chat/qlora": (3e-4, 256, 5, 64, 16, 0.0, None),
    "llama-3-8b/qlora": (2e-4, 128, 3, 64, 16, 0.1, 1),
    "mistral-7b/qlora": (2e-4, 128, 3, 64, 16, 0.1, 1),
}


def _recipe(**changes: Any) -> Recipe:
    return Recipe.from_mapping({**BASE, **changes}, "recipe.yaml")


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_a_shipped_recipe_trains_by_the_method_in_its_name(name: str) -> None:
    assert Recipe.load(name).method == name.partition("/")[2]


@pytest.mark.parametrize("model", ["qwen1.5-1.8b-chat", "smollm2-135m", "llama-3-8b", "mistral-7b"])
@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_every_model_has_a_recipe_for_every_method(model: str, method: str) -> None:
    assert f"{model}/{method}" in shipped_recipes()


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_an_adapter_recipe_has_the_documented_values(name: str) -> None:
    recipe = Recipe.load(name)
    assert (
        recipe.learning_rate,
        recipe.global_batch_size,
        recipe.num_train_epochs,
        recipe.lora_r,
        recipe.lora_alpha,
        recipe.lora_dropout,
        recipe.early_stopping_patience,
    ) == DOCUMENTED[name]


def test_the_full_qwen_recipe_has_the_documented_values() -> None:
    recipe = Recipe.load("qwen1.5-1.8b-chat/full")
    assert 5e-6 <= recipe.learning_rate <= 5e-5
    assert (recipe.global_batch_size, recipe.num_train_epochs) == (256, 3)


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_a_shipped_recipe_leaves_the_length_to_the_data(name: str) -> None:
    assert Recipe.load(name).max_length is None


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [("seq_length", "max_length", 64), ("lora_dim", "lora_r", 8)],
)
def test_a_console_name_sets_the_key_that_it_is_an_alias_of(
    alias: str, name: str, value: int
) -> None:
    assert getattr(_recipe(**{alias: value}), name) == value


def test_alpha_without_a_rank_is_refused() -> None:
    with pytest.raises(IntentflowError, match="give the rank, lora_r, too"):
        _recipe(lora_alpha=16)


def test_a_metric_for_early_stopping_without_patience_is_refused() -> None:
    with pytest.raises(IntentflowError, match="no effect without early_stopping_patience"):
        _recipe(early_stopping_metric="intent_accuracy")


def test_four_bits_may_be_stated_with_qlora() -> None:
    assert _recipe(method="qlora", load_in_4bit=True).method == "qlora"


@pytest.mark.parametrize(("method", "four_bit"), [("lora", True), ("qlora", False)])
def test_four_bits_must_agree_with_the_method(method: str, four_bit: bool) -> None:
    with pytest.raises(IntentflowError, match=f"load_in_4bit: {str(four_bit).lower()} contradicts"):
        _recipe(method=method, load_in_4bit=four_bit)


def test_the_chat_template_cannot_be_left_out() -> None:
    with pytest.raises(IntentflowError, match="apply_chat_template"):
        _recipe(apply_chat_template=False)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("learning_rte", "learning_rate"),
        ("num_epochs", "num_train_epochs"),
        ("seq_lenght", "seq_length"),
        ("lora_dims", "lora_dim"),
    ],
)
def test_an_unknown_key_names_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(
        IntentflowError, match=rf"recipe\.yaml: unknown key {wrong}; did you mean {meant}\?"
    ):
        _recipe(**{wrong: 1})


def test_an_override_by_a_console_name_replaces_the_recipes_value() -> None:
    assert Recipe.load("qwen1.5-1.8b-chat/lora", ["lora_dim=8"]).lora_r == 8


def test_a_wrong_override_is_named_as_it_was_given() -> None:
    with pytest.raises(IntentflowError, match=r"^--set lora_dim=many: lora_r: expected"):
        Recipe.load("qwen1.5-1.8b-chat/lora", ["lora_dim=many"])


def test_a_key_overridden_by_both_its_names_is_refused() -> None:
    with pytest.raises(IntentflowError, match="lora_dim is another name for lora_r: give one"):
        Recipe.load("qwen1.5-1.8b-chat/lora", ["lora_dim=8", "lora_r=16"])


@pytest.mark.parametrize("key", ["lora_r", "lora_dim", "lora_alpha", "lora_dropout"])
def test_a_key_of_an_adapter_is_refused_where_all_weights_are_trained(key: str) -> None:
    with pytest.raises(
        IntentflowError, match="method: full trains no adapter, so it does not take"
    ) as caught:
        _recipe(method="full", **{key: 0.5 if key == "lora_dropout" else 8})
    assert "\n" not in str(caught.value)


def test_a_key_under_both_its_names_is_refused() -> None:
    with pytest.raises(IntentflowError, match="lora_dim is another name for lora_r: give one"):
        _recipe(lora_dim=8, lora_r=16)


def test_a_rank_of_zero_is_the_consoles_word_for_full_training() -> None:
    assert _recipe(method="full", lora_dim=0).method == "full"


@pytest.mark.parametrize("method", ["lora", "qlora"])
@pytest.mark.parametrize("key", ["lora_dim", "lora_r"])
def test_a_rank_of_zero_is_refused_where_an_adapter_is_trained(method: str, key: str) -> None:
    with pytest.raises(IntentflowError, match=f"{key}: 0 means training of all weights: set meth"):
        _recipe(method=method, **{key: 0})


def test_eight_bits_are_refused_with_what_to_choose() -> None:
    with pytest.raises(IntentflowError, match=r"load_in_8bit: true: .* choose method: qlora"):
        _recipe(load_in_8bit=True)


def test_no_eight_bits_may_be_stated() -> None:
    assert _recipe(load_in_8bit=False, load_in_4bit=False).method == "lora"


def test_the_factors_of_a_batch_give_the_batch() -> None:
    recipe = _recipe(per_device_train_batch_size=4, gradient_accumulation_steps=8)
    assert recipe.global_batch_size == 32


def test_the_batch_counts_all_devices() -> None:
    recipe = _recipe(
        per_device_train_batch_size=4,
        gradient_accumulation_steps=8,
        distributed={"strategy": "ddp", "nodes": 2, "devices": 2},
    )
    assert recipe.global_batch_size == 128


def test_accumulated_passes_give_the_rows_of_a_pass() -> None:
    recipe = _recipe(global_batch_size=32, gradient_accumulation_steps=8)
    assert recipe.rows_per_pass(devices=2) == 2


@pytest.mark.parametrize("rows", [{}, {"per_device_train_batch_size": 4}])
def test_factors_that_contradict_the_batch_are_refused(rows: dict[str, int]) -> None:
    with pytest.raises(IntentflowError, match=r"global_batch_size 64 is not .* set global"):
        _recipe(global_batch_size=64, gradient_accumulation_steps=3, **rows)


@pytest.mark.parametrize("value", ["x", 0, 1.5])
def test_a_wrong_number_of_accumulated_passes_is_refused_by_name(value: object) -> None:
    with pytest.raises(IntentflowError, match=r"recipe\.yaml: gradient_accumulation_steps: "):
        _recipe(per_device_train_batch_size=4, gradient_accumulation_steps=value)


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 0},
        {"num_train_epochs": 0},
        {"lora_dropout": 1.0},
        {"method": "loar"},
        {"lr_scheduler_type": "cosin"},
        {"precision": "fp8"},
    ],
)
def test_a_value_that_cannot_be_is_refused_by_the_name_of_its_key(change: dict[str, Any]) -> None:
    with pytest.raises(IntentflowError, match=rf"recipe\.yaml: {next(iter(change))}: "):
        _recipe(**change)


def test_a_batch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(IntentflowError, match="global_batch_size 10 is not a multiple of"):
        _recipe(global_batch_size=10, per_device_train_batch_size=4)


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(IntentflowError, match=r"no recipe smollm2/ful; did you mean smollm2-135m"):
        Recipe.load("smollm2/ful")


def test_a_recipe_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"mine\.yaml: No such file"):
        Recipe.load(str(tmp_path / "mine.yaml"))


def test_a_recipe_file_is_taken_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("{}")
    assert recipe_path(str(file)) == file
