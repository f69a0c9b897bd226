"""Hyper-parameters by the guide's rules."""

from typing import Any

import pytest

from intentflow.recipe.recipe import Recipe, shipped_recipes
from intentflow.records import Example
from intentflow.validation import advise
from intentflow.validation.advice import estimate_tokens
from intentflow.validation.hardware import (
    GIGABYTE,
    Hardware,
    parameter_count,
)


@pytest.mark.parametrize(("tokens", "length"), [(50, 64), (64, 64), (65, 128), (1, 32)])
def test_the_length_is_the_power_of_two_that_holds_the_row(tokens: int, length: int) -> None:
    advice = advise(
        [Example("a", "")], count_tokens=lambda text: tokens * len(text), prompt_tokens=0
    )
    assert advice.max_length == length


def test_the_longest_row_decides_the_length() -> None:
    rows = [Example("short", "f()"), Example("w " * 30, "f()")]
    advice = advise(rows, count_tokens=lambda text: len(text.split()), prompt_tokens=0)
    assert (advice.longest_row_tokens, advice.max_length) == (31, 32)
    assert not advice.tokens_estimated


def test_the_prompt_counts_too() -> None:
    advice = advise([Example("a", "b")], count_tokens=lambda _: 20, prompt_tokens=30)
    assert advice.max_length == 128


@pytest.mark.parametrize(("rows", "size"), [(100, 8), (700, 16), (3000, 64), (20_000, 256)])
def test_little_data_gets_a_smaller_batch(rows: int, size: int) -> None:
    assert advise([Example("a", "f()")] * rows).global_batch_size == size


def test_the_estimate_is_rather_too_high() -> None:
    assert estimate_tokens("play some music") >= 3
    assert estimate_tokens("我想听音乐") >= 5


def test_no_rows_are_no_failure() -> None:
    assert advise([]).longest_row_tokens == 0


def _recipe(model: str, **more: Any) -> Recipe:
    document = {"method": "lora", "learning_rate": 1e-3, "num_train_epochs": 1, **more}
    return Recipe.model_validate({"model_name_or_path": model, **document})


GPU = Hardware("cuda", 1, 24 * GIGABYTE)
SMALL = Hardware("cuda", 1, 16 * GIGABYTE)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("Qwen/Qwen1.5-1.8B-Chat", 1_800_000_000),
        ("bundled:smollm2-135m-instruct", 135_000_000),
        ("meta-llama/Meta-Llama-3-8B-Instruct", 8_000_000_000),
        ("mistralai/Mistral-7B-Instruct-v0.3", 7_000_000_000),
        ("my-model", None),
    ],
)
def test_a_models_name_states_its_size(name: str, weights: int | None) -> None:
    assert parameter_count(name) == weights


def test_devices_rows_and_steps_multiply_to_the_global_batch() -> None:
    hardware = Hardware("cuda", 4, 24 * GIGABYTE)
    recipe = _recipe("Qwen/Qwen1.5-1.8B-Chat", distributed={"strategy": "ddp"})
    rows = [Example("play some music", "f()")] * 20_000
    advice = advise(rows, recipe=recipe, hardware=hardware)
    for method, rows in advice.per_device_train_batch_size.items():
        steps = advice.gradient_accumulation_steps[method]
        if rows is not None and steps is not None:
            assert 4 * rows * steps == advice.global_batch_size


def test_a_model_that_does_not_fit_gets_no_batch() -> None:
    rows = advise(
        [Example("a", "f()")] * 9, recipe=_recipe("x-8B"), hardware=SMALL
    ).per_device_train_batch_size
    assert (rows["full"], rows["lora"]) == (None, None)
    assert rows["qlora"] is not None


def test_longer_rows_mean_fewer_at_once_where_memory_is_short() -> None:
    def rows(text: str) -> int | None:
        hardware = Hardware("cuda", 1, int(5.8 * GIGABYTE))
        advice = advise([Example(text, "f()")] * 20_000, hardware=hardware)
        return advice.per_device_train_batch_size["lora"]

    assert (rows("word " * 10) or 0) > (rows("word " * 100) or 0) > 0


def test_where_memory_does_all_rows_of_a_step_share_one_reading_of_the_prompt() -> None:
    advice = advise([Example("word " * 10, "f()")] * 20_000, hardware=GPU)
    assert advice.per_device_train_batch_size["lora"] == advice.global_batch_size


def test_less_memory_means_fewer_rows() -> None:
    def rows(gigabytes: float) -> int:
        hardware = Hardware("cuda", 1, int(gigabytes * GIGABYTE))
        advice = advise([Example("word " * 10, "f()")] * 20_000, hardware=hardware)
        return advice.per_device_train_batch_size["lora"] or 0

    assert rows(5.8) < rows(24)


def test_a_model_of_unknown_size_gets_no_batch_and_says_why() -> None:
    advice = advise([Example("a", "f()")], recipe=_recipe("mine"), hardware=GPU)
    assert set(advice.per_device_train_batch_size.values()) == {None}
    assert "does not state a size" in advice.assumption


def test_the_advice_names_the_device_and_its_memory() -> None:
    assert advise([], hardware=GPU).device == "1 GPU, 24.0 GiB"


def test_this_computer_has_memory() -> None:
    assert Hardware.detect().memory_bytes > 0


ROWS = [Example("play some music", "play_music()")] * 20_000
SHIPPED = [name for name in shipped_recipes() if not name.endswith("/dpo")]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_gets_its_own_values_as_advice(name: str) -> None:
    recipe, method = Recipe.load(name), name.partition("/")[2]
    advice = advise(ROWS, recipe=recipe, hardware=GPU)
    assert (advice.method, advice.model) == (method, recipe.model_name_or_path)
    assert advice.learning_rate[method] == recipe.learning_rate
    assert advice.num_train_epochs[method] == recipe.num_train_epochs
    assert advice.global_batch_size == recipe.global_batch_size


def test_llama_with_qlora_on_one_gpu_gets_its_own_advice() -> None:
    recipe = Recipe.load("llama-3-8b/qlora")
    advice = advise(ROWS, recipe=recipe, hardware=Hardware.parse("1x80Gi"))
    assert (advice.learning_rate["qlora"], advice.global_batch_size) == (2e-4, 128)
    assert advice.per_device_train_batch_size["qlora"] == 128
    assert (advice.device, advice.assumption[:19]) == ("1 GPU, 80.0 GiB", "8 billion weights, ")


def test_a_model_without_a_recipe_gets_the_values_of_the_nearest_in_size() -> None:
    advice = advise(ROWS, recipe=_recipe("an/other-9B"), hardware=GPU)
    assert advice.learning_rate["qlora"] == Recipe.load("llama-3-8b/qlora").learning_rate
    assert "there are none for an/other-9B" in (advice.starting_points or "")


def test_what_the_recipe_says_is_next_to_the_advice() -> None:
    advice = advise(ROWS, recipe=_recipe("an/other-8B"), hardware=GPU)
    assert advice.in_recipe["learning_rate"] == 1e-3
    assert advice.in_recipe["max_length"] is None


def test_corrections_are_advised_as_corrections() -> None:
    recipe = Recipe.load("llama-3-8b/dpo", ["model_name_or_path=runs/my-8B"])
    advice = advise(ROWS, recipe=recipe, hardware=GPU)
    assert advice.learning_rate["dpo"] == Recipe.load("llama-3-8b/dpo").learning_rate


def test_a_taxonomy_in_the_prompt_makes_the_advised_length_longer() -> None:
    rows = [Example("play", f"intent_number_{number}()") for number in range(60)]
    plain = advise(rows, recipe=_recipe("a-8B"), hardware=GPU)
    named = advise(rows, recipe=_recipe("a-8B", taxonomy_in_prompt="names"), hardware=GPU)
    assert named.max_length > plain.max_length


def test_labels_are_counted_in_the_recipes_format() -> None:
    rows = [Example("play", "play_music(jazz)")]
    call = advise(rows, recipe=_recipe("a-8B"), hardware=GPU)
    json = advise(rows, recipe=_recipe("a-8B", output_format="json"), hardware=GPU)
    assert json.longest_row_tokens > call.longest_row_tokens


def test_gradient_checkpointing_makes_room_for_rows() -> None:
    def rows(checkpointing: bool) -> int:
        recipe = _recipe("a-8B", gradient_checkpointing=checkpointing)
        long = [Example("word " * 200, "f()")] * 20_000
        found = advise(long, recipe=recipe, hardware=Hardware.parse("1x26Gi"))
        return found.per_device_train_batch_size["lora"] or 0

    assert 0 < rows(False) < rows(True)


def test_sharded_weights_fit_where_one_device_does_not_hold_them() -> None:
    def rows(strategy: str) -> int | None:
        recipe = _recipe("a-8B", method="full", distributed={"strategy": strategy})
        advice = advise(ROWS, recipe=recipe, hardware=Hardware.parse("4x80Gi"))
        return advice.per_device_train_batch_size["full"]

    assert (rows("ddp"), bool(rows("fsdp"))) == (None, True)


def test_several_gpus_count_only_for_a_recipe_that_uses_them() -> None:
    advice = advise(ROWS, recipe=_recipe("a-1B"), hardware=Hardware.parse("4x80Gi"))
    assert advice.gradient_accumulation_steps["lora"] == 1
    assert advice.per_device_train_batch_size["lora"] == advice.global_batch_size


def test_gpus_of_unknown_memory_get_no_batch_and_the_key_that_states_it() -> None:
    advice = advise(ROWS, recipe=_recipe("a-8B"), hardware=Hardware.parse("2x"))
    assert set(advice.per_device_train_batch_size.values()) == {None}
    assert "pipeline.steps.train.gpu_memory" in advice.assumption
