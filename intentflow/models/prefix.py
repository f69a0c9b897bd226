"""The prompt's shared beginning: found once, read once, used by every row.

What it is for: rows of one model begin with the same system prompt and taxonomy, so its keys and
values are computed once for a batch in training and once for all rows in evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from intentflow.models.attention import States


def shared_prefix(prompts: Sequence[list[int]]) -> list[int]:
    """The longest common prefix that leaves every prompt at least one token of its own."""
    # What the alphabetically first and last prompts share, all share.
    first, last = min(prompts), max(prompts)
    pairs = enumerate(zip(first, last, strict=False))
    size = next((i for i, (a, b) in pairs if a != b), min(len(first), len(last)))
    return first[: min(size, min(len(prompt) for prompt in prompts) - 1)]


def read_prefix(model: Any, prefix_ids: torch.Tensor) -> States:
    """Keys and values of the prefix in every layer; none for no prefix."""
    if not len(prefix_ids):
        return {}
    import torch

    from intentflow.models.attention import PrefixPass

    packing = PrefixPass()
    model(
        input_ids=prefix_ids[None],
        position_ids=torch.arange(len(prefix_ids), device=prefix_ids.device)[None],
        logits_to_keep=prefix_ids[:0],  # nothing is predicted here
        use_cache=False,
        packing=packing,
    )
    return packing.states
