"""The shared prompt prefix: computed once, used by every row.

All rows of a model begin with the same system prompt and taxonomy, so its keys and values are
computed once per batch in training and once for all rows in evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from intentflow.models.attention import States


def shared_prefix(prompts: Sequence[list[int]]) -> list[int]:
    """The longest common prefix that leaves every prompt at least one token of its own.

    Example:
        >>> shared_prefix([[1, 2, 3], [1, 2, 4, 5]])
        [1, 2]
    """
    # A prefix that the alphabetically first and last prompts share is shared by all.
    first, last = min(prompts), max(prompts)
    pairs = enumerate(zip(first, last, strict=False))
    size = next((i for i, (a, b) in pairs if a != b), min(len(first), len(last)))
    return first[: min(size, min(len(prompt) for prompt in prompts) - 1)]


def read_prefix(model: Any, prefix_ids: torch.Tensor) -> States:
    """Keys and values of the prefix in every layer; empty for an empty prefix."""
    if not len(prefix_ids):
        return {}
    import torch

    from intentflow.models.attention import PrefixPass

    packing = PrefixPass()
    model(
        input_ids=prefix_ids[None],
        position_ids=torch.arange(len(prefix_ids), device=prefix_ids.device)[None],
        logits_to_keep=prefix_ids[:0],  # no predictions are needed
        use_cache=False,
        packing=packing,
    )
    return packing.states
