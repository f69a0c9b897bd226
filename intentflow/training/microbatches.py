"""A micro-batch in several passes through the model, with the memory of one pass.

The prefix is computed once. Each group of rows has its own forward and backward pass and
accumulates its gradient of the prefix's keys and values; the last group is joined to the prefix's
graph, so that one further backward pass propagates all of these gradients through the prefix. Sums
are only taken in another order: loss and gradients are those of one sequence per row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from intentflow.models.attention import States
from intentflow.models.encoding import IGNORED, cut_rows

Rows = dict[str, Any]
"""Tensors: ``input_ids``, ``position_ids``, ``labels``, ``owners`` of some tokens, their rows'
``row_numbers``; and the :data:`States` of the ``prefix`` before them."""

_BY_TOKEN = ("input_ids", "position_ids", "labels", "owners")


def cut_passes(batch: Rows, max_tokens: int) -> list[Rows]:
    """Cut a packed batch into passes of at most ``max_tokens`` tokens, or of one long row.

    Args:
        batch: Result of :func:`intentflow.models.encoding.pack_rows`.
        max_tokens: Maximum number of tokens of one pass.
    """
    lengths = torch.bincount(batch["owners"])[1:].tolist()
    groups = cut_rows(lengths, max_tokens)
    rows = torch.tensor(groups).cumsum(0)
    tokens = torch.tensor(lengths).cumsum(0)[rows - 1]
    columns = {name: batch[name].tensor_split(tokens[:-1]) for name in _BY_TOKEN}
    columns["row_numbers"] = batch["row_numbers"].tensor_split(rows[:-1])
    return [{name: parts[i] for name, parts in columns.items()} for i in range(len(groups))]


def in_one_pass(batch: Rows) -> Rows:
    """The complete batch in one sequence, after the prefix."""
    prefix = batch["prefix_ids"]
    front = {
        "input_ids": prefix,
        "position_ids": torch.arange(len(prefix), device=prefix.device),
        "labels": torch.full_like(prefix, IGNORED),
        "owners": torch.zeros_like(prefix),
    }
    joined = {name: torch.cat([front[name], batch[name]]) for name in _BY_TOKEN}
    return {"row_numbers": batch["row_numbers"], **joined}


def detached_copies(states: States) -> States:
    """The keys and values without their graph; they accumulate gradients in at least 32 bits."""
    return {layer: tuple(map(_leaf, pair)) for layer, pair in states.items()}


def add_gradients(states: States, gathered: States) -> None:
    """Let the next backward pass through ``states`` include the gradients in ``gathered``."""
    for layer, pair in states.items():
        for state, copy in zip(pair, gathered[layer], strict=True):
            if copy.grad is not None:
                state.register_hook(_adding(copy.grad))  # type: ignore[no-untyped-call]


def _leaf(state: torch.Tensor) -> torch.Tensor:
    # In 16 bits a sum over many passes would stagnate.
    copy = state.detach().to(torch.promote_types(state.dtype, torch.float32))
    return copy.requires_grad_(state.requires_grad)


def _adding(gathered: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda gradient: (gathered + gradient).to(gradient.dtype)
