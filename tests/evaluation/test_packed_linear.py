"""Linear layers laid out for the CPU give what torch's own give."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from intentflow.inference.packed_linear import PackedLinear, pack_linear_layers
from tests.models import make_model, make_tokenizer


@pytest.fixture
def model() -> Any:
    return make_model(make_tokenizer()).eval()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1,), (1, 1), (3, 7), (1, 130), (2, 3, 5)])
@torch.inference_mode()
def test_a_packed_layer_gives_the_same(shape: tuple[int, ...], bias: bool) -> None:
    linear = nn.Linear(48, 33, bias=bias)
    states = torch.randn(*shape, 48)
    torch.testing.assert_close(PackedLinear(linear)(states), linear(states))


@torch.inference_mode()
def test_a_packed_layer_takes_states_that_lie_apart() -> None:
    linear = nn.Linear(48, 33)
    states = torch.randn(2, 48, 5).transpose(1, 2)
    torch.testing.assert_close(PackedLinear(linear)(states), linear(states))


@torch.inference_mode()
def test_a_packed_model_gives_the_same_scores(model: Any) -> None:
    ids = torch.arange(3, 40)[None]
    before = model(input_ids=ids).logits
    pack_linear_layers(model)
    torch.testing.assert_close(model(input_ids=ids).logits, before, rtol=1e-4, atol=1e-5)


def test_all_linear_layers_of_a_model_are_packed(model: Any) -> None:
    pack_linear_layers(model)
    assert not any(type(module) is nn.Linear for module in model.modules())


def test_an_embedding_that_shares_its_weight_stays(model: Any) -> None:
    before = model.get_input_embeddings().weight.clone()
    pack_linear_layers(model)
    torch.testing.assert_close(model.get_input_embeddings().weight, before)


def test_layers_of_16_bits_stay_as_they_are(model: Any) -> None:
    pack_linear_layers(model.to(torch.bfloat16))
    assert not any(isinstance(module, PackedLinear) for module in model.modules())


class _Adapted(nn.Linear):
    """As an adapter's layer inherits."""


def test_other_layers_stay_as_they_are() -> None:
    holder = nn.Sequential(_Adapted(4, 4))
    pack_linear_layers(holder)
    assert type(holder[0]) is _Adapted
