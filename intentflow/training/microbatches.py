"""A micro-batch in several passes through the model, at the memory of one.

The prefix is read once. Each group of rows then goes forward and backward by itself and leaves on
the prefix's keys and values the gradient it has for them; the last group is joined to the prefix's
graph, so that one more backward brings all of these gradients through the prefix. Sums are only
taken in another order: loss and gradients are those of one sequence a row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from intentflow.models.attention import States
from intentflow.models.encoding import IGNORED, cut_rows

Rows = dict[str, Any]
"""Tensors: ``input_ids``, ``position_ids``, ``labels``, ``owners`` of some tokens, their rows'
``row_numbers``; and the :data:`States` of the ``prefix`` that they stand behind."""

_BY_TOKEN = ("input_ids", "position_ids", "labels", "owners")


def cut_passes(batch: Rows, maximum: int) -> list[Rows]:
    """Cut a packed batch between rows, into passes of at most so many tokens or one long row.

    Args:
        batch: As :func:`intentflow.models.encoding.pack_rows` makes it.
        maximum: Tokens of one pass.
    """
    lengths = torch.bincount(batch["owners"])[1:].tolist()
    groups = cut_rows(lengths, maximum)
    rows = torch.tensor(groups).cumsum(0)
    tokens = torch.tensor(lengths).cumsum(0)[rows - 1]
    columns = {name: batch[name].tensor_split(tokens[:-1]) for name in _BY_TOKEN}
    columns["row_numbers"] = batch["row_numbers"].tensor_split(rows[:-1])
    return [{name: parts[i] for name, parts in columns.items()} for i in range(len(groups))]


def in_one_pass(batch: Rows) -> Rows:
    """The complete batch in one sequence, the prefix in front of it."""
    prefix = batch["prefix_ids"]
    front = {
        "input_ids": prefix,
        "position_ids": torch.arange(len(prefix), device=prefix.device),
        "labels": torch.full_like(prefix, IGNORED),
        "owners": torch.zeros_like(prefix),
    }
    joined = {name: torch.cat([front[name], batch[name]]) for name in _BY_TOKEN}
    return {"row_numbers": batch["row_numbers"], **joined}


def cut_off(states: States) -> States:
    """The same keys and values without their graph; they gather gradients, in 32 bits at least."""
    return {layer: tuple(map(_leaf, pair)) for layer, pair in states.items()}


def give_back(states: States, gathered: States) -> None:
    """Let the next backward through ``states`` take along what ``gathered`` has gathered."""
    for layer, pair in states.items():
        for state, copy in zip(pair, gathered[layer], strict=True):
            if copy.grad is not None:
                state.register_hook(_adding(copy.grad))  # type: ignore[no-untyped-call]


def _leaf(state: torch.Tensor) -> torch.Tensor:
    # In 16 bits a sum over many passes would stand still.
    copy = state.detach().to(torch.promote_types(state.dtype, torch.float32))
    return copy.requires_grad_(state.requires_grad)


def _adding(gathered: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda gradient: (gathered + gradient).to(gradient.dtype)
