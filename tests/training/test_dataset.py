"""What is learned, how long rows may be, and rows packed behind their common prompt."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intentflow.calls import OutputFormat
from intentflow.errors import IntentflowError
from intentflow.models.attention import dense_mask, sees
from intentflow.models.encoding import (
    IGNORED,
    EncodedRow,
    check_lengths,
    cut_rows,
    encode_rows,
    pack_rows,
    pass_tokens,
    power_of_two_over,
)
from intentflow.models.prefix import shared_prefix
from intentflow.prompts import PromptSpec, bake_template, end_token_id
from intentflow.records import Example
from intentflow.training.microbatches import cut_passes
from tests.models import TEMPLATES, make_tokenizer

EXAMPLES = [
    Example("play Queen", "play_music(Queen)"),
    Example("天氣 in <|im_end|> Oslo", "weather_search(Oslo); play_music()"),
    Example("play", "play_music()"),
]


@cache
def _tokenizer(kind: str) -> Any:
    tokenizer = make_tokenizer(kind)
    bake_template(tokenizer, PromptSpec.build())
    return tokenizer


def _encoded(kind: str = "chatml", output_format: OutputFormat = "call") -> list[EncodedRow]:
    tokenizer = _tokenizer(kind)
    return encode_rows(EXAMPLES, tokenizer, end_token_id(tokenizer), output_format)


def _learned(rows: list[EncodedRow], kind: str) -> str:
    labels = pack_rows(rows)["labels"].tolist()
    text: str = _tokenizer(kind).decode([label for label in labels if label != IGNORED])
    return text


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
def test_only_the_answers_and_their_end_tokens_are_labelled(kind: str) -> None:
    end = _tokenizer(kind).decode([end_token_id(_tokenizer(kind))])
    assert _learned(_encoded(kind), kind) == "".join(e.output + end for e in EXAMPLES)


def test_json_is_learned_where_the_recipe_asks_for_it() -> None:
    learned = _learned(_encoded(output_format="json")[:1], "chatml")
    assert learned == '[{"intent": "play_music", "parameters": ["Queen"]}]<|im_end|>'


def test_a_label_that_cannot_be_written_as_json_is_named() -> None:
    with pytest.raises(IntentflowError, match=r"row 2: 'weather\(' cannot be written as JSON"):
        encode_rows([EXAMPLES[0], Example("x", "weather(")], _tokenizer("chatml"), 0, "json")


def test_each_row_of_a_packed_sequence_reads_the_prefix_and_itself_alone() -> None:
    packed = pack_rows([EncodedRow([1, 2, 3], [4]), EncodedRow([1, 2, 5], [6, 7])])
    owners = torch.cat([torch.zeros(2, dtype=torch.int64), packed["owners"]])
    places = torch.cat([torch.arange(2), packed["position_ids"]])
    mask = dense_mask(sees(owners, places, 2, None), owners, 2)[0, 0].int().tolist()
    assert mask == [  # 1 2 | 3 4 | 5 6 7
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 1, 0, 0],
        [1, 1, 0, 0, 1, 1, 0],
        [1, 1, 0, 0, 1, 1, 1],
    ]


def test_the_prefix_stands_once_and_each_row_keeps_its_own_tokens() -> None:
    packed = pack_rows([EncodedRow([1, 2, 3], [4]), EncodedRow([1, 2, 5], [6, 7])])
    assert packed["prefix_ids"].tolist() == [1, 2]
    assert packed["input_ids"].tolist() == [3, 4, 5, 6, 7]


def test_positions_of_each_row_go_on_from_the_prefix() -> None:
    rows = [EncodedRow([1, 2, 3], [4]), EncodedRow([1, 2, 5], [6, 7])]
    assert pack_rows(rows)["position_ids"].tolist() == [2, 3, 2, 3, 4]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(1, 50))
def test_a_group_has_no_more_tokens_than_fit_unless_it_is_one_row(
    lengths: list[int], most: int
) -> None:
    groups = cut_rows(lengths, most)
    parts = [lengths[sum(groups[:i]) : sum(groups[: i + 1])] for i in range(len(groups))]
    assert [length for part in parts for length in part] == lengths
    assert all(len(part) == 1 or (part and sum(part) <= most) for part in parts)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(1, 50))
def test_a_group_ends_only_where_the_next_row_does_not_fit(lengths: list[int], most: int) -> None:
    groups = cut_rows(lengths, most)
    for i in range(len(groups) - 1):
        start, end = sum(groups[:i]), sum(groups[: i + 1])
        assert sum(lengths[start : end + 1]) > most


def test_passes_hold_all_rows_in_order() -> None:
    rows = [EncodedRow([1, 2, 3 + i], [9] * (1 + i % 4), i) for i in range(20)]
    batch = pack_rows(rows)
    passes = cut_passes(batch, 7)
    assert len(passes) > 3
    for name in ("input_ids", "position_ids", "labels", "owners", "row_numbers"):
        assert torch.equal(torch.cat([part[name] for part in passes]), batch[name])


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=5))
def test_the_shared_prefix_is_the_longest_that_leaves_each_prompt_a_token(
    prompts: list[list[int]],
) -> None:
    size = len(shared_prefix(prompts))
    limit = min(map(len, prompts)) - 1
    assert all(prompt[:size] == prompts[0][:size] for prompt in prompts)
    assert size == limit or len({prompt[size] for prompt in prompts}) > 1


@pytest.mark.parametrize(("longest", "length"), [(50, 64), (64, 64), (65, 128), (2, 2)])
def test_the_length_is_the_power_of_two_over_the_longest_row(longest: int, length: int) -> None:
    assert power_of_two_over(longest) == length


def test_rows_that_are_too_long_are_counted_and_the_length_that_does_is_named() -> None:
    rows = [EncodedRow([1] * 20, [2] * 20), EncodedRow([1] * 10, [2]), EncodedRow([1] * 30, [2])]
    with pytest.raises(
        IntentflowError, match=r"too short for 2 of 3 rows; the longest has 40 tokens: .*=64"
    ):
        check_lengths(rows, 16)


@pytest.mark.parametrize(("gigabytes", "tokens"), [(4, 192), (8, 512), (64, 512)])
def test_a_cpu_with_ample_free_memory_takes_more_tokens_at_once(
    gigabytes: int, tokens: int
) -> None:
    assert pass_tokens("cpu", gigabytes * 10**9) == tokens


@pytest.mark.parametrize(("gigabytes", "tokens"), [(2, 256), (24, 1024), (40, 2048), (80, 4096)])
def test_a_gpu_with_more_memory_takes_more_tokens_at_once(gigabytes: int, tokens: int) -> None:
    assert pass_tokens("cuda", gigabytes * 10**9) == tokens
