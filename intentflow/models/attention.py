"""Packed attention: several rows after one shared prefix that is computed once.

The prefix is processed by itself (:class:`PrefixPass`) and each layer's keys and values of it are
kept; rows are processed in passes of their own (:class:`RowsPass`), in which a row's token attends
to the prefix and to the tokens before it in its row. The data of a pass is given to the model as
``packing`` and reaches :func:`packed_attention` through transformers' keyword arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from intentflow.errors import InputError

_NAME = "intentflow_packed"
_LAYERS = {"full_attention", "sliding_attention"}
# Additions of some architectures to plain attention, which these passes do not support.
_UNKNOWN = ("softcap", "s_aux", "position_bias")

States = Mapping[int, tuple[torch.Tensor, ...]]
"""Keys and values by layer, each of shape (1, heads, prefix tokens, head size)."""

MaskFunction = Callable[[Any, Any, torch.Tensor, torch.Tensor], torch.Tensor]
"""Whether a query attends to a key, by batch, head, and the indices of both."""


class Packing(Protocol):
    """One pass through the model."""

    def attend(
        self,
        layer: int,
        states: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        window: int | None,
        **options: Any,
    ) -> torch.Tensor:
        """The layer's attention for its queries, keys and values."""


class PrefixPass:
    """Processes the prefix.

    Attributes:
        states: Keys and values of every layer, once the model has been called.
    """

    def __init__(self) -> None:
        self.states: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def attend(
        self,
        layer: int,
        states: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        window: int | None,
        **options: Any,
    ) -> torch.Tensor:
        """Causal attention."""
        query, key, value = states
        # Gradient checkpointing repeats the call, and needs gradients of the first call's tensors.
        self.states.setdefault(layer, (key, value))
        if window is None or window >= key.shape[2]:
            return scaled_dot_product_attention(
                query, key, value, is_causal=True, enable_gqa=True, **options
            )
        positions = torch.arange(key.shape[2], device=key.device)
        mask = dense_mask(sees(torch.zeros_like(positions), positions, 0, window), positions, 0)
        return _masked(query, key, value, mask, **options)


class RowsPass:
    """Processes rows that are packed into one sequence.

    Args:
        prefix: Keys and values of the prefix; empty if there is none.
        owners: Number of the row that a token belongs to, from 1; 0 for a prefix in the sequence
            itself. int64 of shape (tokens,).
        positions: Position of a token in its row, prefix included. int64 of shape (tokens,).
    """

    def __init__(self, prefix: States, owners: torch.Tensor, positions: torch.Tensor) -> None:
        self._prefix = prefix
        self._size = next(iter(prefix.values()))[0].shape[2] if prefix else 0
        prefix_positions = torch.arange(self._size, device=owners.device)
        self._owners = torch.cat([torch.zeros_like(prefix_positions), owners])
        self._positions = torch.cat([prefix_positions, positions])
        self._masks: dict[int | None, Any] = {}

    def attend(
        self,
        layer: int,
        states: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        window: int | None,
        **options: Any,
    ) -> torch.Tensor:
        """Attention of each token to the prefix and to its row up to itself."""
        query, key, value = states
        if self._prefix:
            key, value = (
                torch.cat([kept.to(own.dtype), own], dim=2)
                for kept, own in zip(self._prefix[layer], (key, value), strict=True)
            )
        if window not in self._masks:  # shared by all layers of a kind
            self._masks[window] = self._mask(window, query.dtype)
        attend = _block_sparse if query.is_cuda else _masked
        return attend(query, key, value, self._masks[window], **options)

    def _mask(self, window: int | None, dtype: torch.dtype) -> Any:
        function = sees(self._owners, self._positions, self._size, window)
        if self._owners.is_cuda:
            return block_mask(function, len(self._owners), self._size)
        seen = dense_mask(function, self._owners, self._size)
        # From a bool mask every layer would create this again, and keep it for its backward pass.
        return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(
            ~seen, -torch.inf
        )


def sees(
    owners: torch.Tensor, positions: torch.Tensor, prefix: int, window: int | None
) -> MaskFunction:
    """The attention rule, for a dense and for a block-sparse mask.

    A sliding window is measured in positions of the row, not of the packed sequence.

    Args:
        owners: Row of each key, 0 for the prefix.
        positions: Position of each key in its row.
        prefix: Number of keys before the first query.
        window: Number of tokens that a query attends to, itself included; None for all.
    """

    def function(_batch: Any, _head: Any, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        position = query + prefix
        owner = owners[key]
        seen = (key <= position) & ((owner == 0) | (owner == owners[position]))
        if window is not None:
            seen = seen & (positions[position] - positions[key] < window)
        return seen

    return function


def dense_mask(function: MaskFunction, owners: torch.Tensor, prefix: int) -> torch.Tensor:
    """Bool of shape (1, 1, queries, keys), true if a query attends to a key."""
    keys = torch.arange(len(owners), device=owners.device)
    queries = keys[: len(owners) - prefix]
    return function(None, None, queries[:, None], keys[None, :])[None, None]


def block_mask(function: MaskFunction, keys: int, prefix: int, device: str = "cuda") -> Any:
    """FlexAttention's mask, which skips blocks in which no query attends to any key."""
    from torch.nn.attention.flex_attention import create_block_mask

    return create_block_mask(function, None, None, keys - prefix, keys, device=device)


def share_prefixes(model: Any) -> None:
    """Let a model's attention support packed passes; without ``packing`` it stays unchanged.

    Raises:
        InputError: The architecture has more than plain attention.
    """
    config = model.config
    kinds = set(getattr(config, "layer_types", None) or _LAYERS)
    if not model._supports_attention_backend or not kinds <= _LAYERS:
        raise InputError(
            f"{config.model_type} models cannot be trained: a shared prompt needs plain or sliding "
            "attention in every layer, as in Llama, Qwen2 and Mistral"
        )
    AttentionInterface.register(_NAME, packed_attention)
    AttentionMaskInterface.register(_NAME, sdpa_mask)
    model.set_attn_implementation(_NAME)


def packed_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    packing: Packing | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it: (1, heads, tokens, size) to (1, tokens, heads, size)."""
    if packing is None:
        options = {"dropout": dropout, "scaling": scaling, "sliding_window": sliding_window}
        states = (query, key, value, attention_mask)
        output, _ = sdpa_attention_forward(module, *states, **options, **others)
        return output, None
    unknown = [name for name in _UNKNOWN if others.get(name) is not None]
    if unknown:
        raise InputError(
            f"{module.config.model_type} models cannot be trained: their attention has {unknown[0]}"
        )
    options = {"dropout_p": dropout, "scale": scaling}
    found = packing.attend(module.layer_idx, (query, key, value), sliding_window, **options)
    return found.transpose(1, 2), None


def _masked(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor, **options: Any
) -> torch.Tensor:
    return scaled_dot_product_attention(
        query, key, value, attn_mask=mask, enable_gqa=True, **options
    )


def _block_sparse(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: Any,
    *,
    dropout_p: float,
    scale: float | None,
) -> torch.Tensor:
    if dropout_p:
        raise InputError("a model with attention_dropout cannot be trained on a GPU: set it to 0")
    found: torch.Tensor = _compiled_flex_attention()(
        query, key, value, block_mask=mask, scale=scale, enable_gqa=True
    )
    return found


@cache
def _compiled_flex_attention() -> Callable[..., torch.Tensor]:
    from torch.nn.attention.flex_attention import flex_attention

    compiled: Callable[..., torch.Tensor] = torch.compile(flex_attention)
    return compiled
