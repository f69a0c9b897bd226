"""Hyper-parameters by the guide's rules."""

import pytest

from intentflow.records import Example
from intentflow.validate import advise
from intentflow.validate.advice import estimate_tokens


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
