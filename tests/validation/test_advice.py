"""Hyper-parameters by the guide's rules."""

import pytest

from intentflow.records import Example
from intentflow.validation import advise
from intentflow.validation.advice import estimate_tokens
from intentflow.validation.hardware import GIGABYTE, Hardware, parameter_count


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
    advice = advise([Example("play some music", "f()")] * 20_000, hardware=hardware)
    for method, rows in advice.per_device_train_batch_size.items():
        steps = advice.gradient_accumulation_steps[method]
        if rows is not None and steps is not None:
            assert 4 * rows * steps == advice.global_batch_size


def test_a_model_that_does_not_fit_gets_no_batch() -> None:
    rows = advise(
        [Example("a", "f()")] * 9, model="x-8B", hardware=SMALL
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
    advice = advise([Example("a", "f()")], model="mine", hardware=GPU)
    assert set(advice.per_device_train_batch_size.values()) == {None}
    assert "does not state a size" in advice.assumption


def test_the_advice_names_the_device_and_its_memory() -> None:
    assert advise([], hardware=GPU).device == "1 GPU, 24.0 GiB"


def test_this_computer_has_memory() -> None:
    assert Hardware.detect().memory_bytes > 0
