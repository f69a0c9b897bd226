"""Attention of rows that stand behind one prefix which is read once.

The prefix goes through the model by itself (:class:`PrefixPass`), each layer's keys and values of
it are kept, and rows go through in passes of their own (:class:`RowsPass`): a row's token sees the
prefix and what stands before it in its row. What a pass needs is handed to the model as ``packing``
and reaches :func:`packed_attention` by the keyword arguments that transformers hands down.
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

from intentflow.errors import IntentflowError

_NAME = "intentflow_packed"
_LAYERS = {"full_attention", "sliding_attention"}
# What some architectures add to plain attention, and these passes do not know.
_UNKNOWN = ("softcap", "s_aux", "position_bias")

States = Mapping[int, tuple[torch.Tensor, ...]]
"""Keys and values by layer, each of shape (1, heads, prefix tokens, head size)."""

MaskFunction = Callable[[Any, Any, torch.Tensor, torch.Tensor], torch.Tensor]
"""Whether a query sees a key, by batch, head, and the indices of both."""


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
    """Reads the prefix.

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
        # Gradient checkpointing comes by again, for gradients of the tensors of the first time.
        self.states.setdefault(layer, (key, value))
        if window is None or window >= key.shape[2]:
            return scaled_dot_product_attention(
                query, key, value, is_causal=True, enable_gqa=True, **options
            )
        places = torch.arange(key.shape[2], device=key.device)
        mask = dense_mask(sees(torch.zeros_like(places), places, 0, window), places, 0)
        return _masked(query, key, value, mask, **options)


class RowsPass:
    """Reads rows that stand in one sequence.

    Args:
        prefix: Keys and values of the prefix; empty where there is none.
        owners: int64 of shape (tokens,), the row that a token belongs to, from 1; 0 for a prefix
            that stands in the sequence itself.
        positions: int64 of shape (tokens,), the place of a token in its row, prefix included.
    """

    def __init__(self, prefix: States, owners: torch.Tensor, positions: torch.Tensor) -> None:
        self._prefix = prefix
        self._size = next(iter(prefix.values()))[0].shape[2] if prefix else 0
        places = torch.arange(self._size, device=owners.device)
        self._owners = torch.cat([torch.zeros_like(places), owners])
        self._positions = torch.cat([places, positions])
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
        if window not in self._masks:  # one for all layers of a kind
            self._masks[window] = self._mask(window, query.dtype)
        attend = _block_sparse if query.is_cuda else _masked
        return attend(query, key, value, self._masks[window], **options)

    def _mask(self, window: int | None, dtype: torch.dtype) -> Any:
        function = sees(self._owners, self._positions, self._size, window)
        if self._owners.is_cuda:
            return block_mask(function, len(self._owners), self._size)
        seen = dense_mask(function, self._owners, self._size)
        # From a bool mask every layer would make this of its own, and keep it for its backward.
        return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(
            ~seen, -torch.inf
        )


def sees(
    owners: torch.Tensor, positions: torch.Tensor, prefix: int, window: int | None
) -> MaskFunction:
    """The one rule of who sees whom, for a dense and for a block-sparse mask.

    A sliding window is measured in places of the row, not of the sequence it was packed into.

    Args:
        owners: Row of each key, 0 for the prefix.
        positions: Place of each key in its row.
        prefix: How many keys stand before the first query.
        window: Tokens that a query sees back, itself included; None for all.
    """

    def function(_batch: Any, _head: Any, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        place = query + prefix
        owner = owners[key]
        seen = (key <= place) & ((owner == 0) | (owner == owners[place]))
        if window is not None:
            seen = seen & (positions[place] - positions[key] < window)
        return seen

    return function


def dense_mask(function: MaskFunction, owners: torch.Tensor, prefix: int) -> torch.Tensor:
    """Bool of shape (1, 1, queries, keys), true where a query sees a key."""
    keys = torch.arange(len(owners), device=owners.device)
    queries = keys[: len(owners) - prefix]
    return function(None, None, queries[:, None], keys[None, :])[None, None]


def block_mask(function: MaskFunction, keys: int, prefix: int, device: str = "cuda") -> Any:
    """FlexAttention's mask: of blocks in which no query sees any key nothing is computed."""
    from torch.nn.attention.flex_attention import create_block_mask

    return create_block_mask(function, None, None, keys - prefix, keys, device=device)


def share_prefixes(model: Any) -> None:
    """Let a model's attention take packed passes; without ``packing`` it stays what it was.

    Raises:
        IntentflowError: An architecture that has more than plain attention.
    """
    config = model.config
    kinds = set(getattr(config, "layer_types", None) or _LAYERS)
    if not model._supports_attention_backend or not kinds <= _LAYERS:
        raise IntentflowError(
            f"{config.model_type} models cannot be trained: rows behind a shared prompt need "
            "plain or sliding attention in every layer, as Llama, Qwen2 and Mistral have it"
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
        raise IntentflowError(
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
        raise IntentflowError("a model with attention_dropout cannot be trained on a GPU: set it 0")
    found: torch.Tensor = _compiled_flex_attention()(
        query, key, value, block_mask=mask, scale=scale, enable_gqa=True
    )
    return found


@cache
def _compiled_flex_attention() -> Callable[..., torch.Tensor]:
    from torch.nn.attention.flex_attention import flex_attention

    compiled: Callable[..., torch.Tensor] = torch.compile(flex_attention)
    return compiled
