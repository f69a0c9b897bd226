"""Settings of a training as PAI's console and Hugging Face's trainer write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from intentflow.errors import UsageError
from intentflow.overrides import Override, Overrides, parsed

_OTHER_NAMES = {"seq_length": "max_length", "lora_dim": "lora_r"}
_RANKS = ("lora_r", "lora_dim")


def by_own_names(overrides: Overrides) -> list[Override]:
    """Overrides of the keys that the console's names mean, as recipes write them.

    Args:
        overrides: ``key=value`` each.

    Raises:
        UsageError: A key is set by both of its names.

    Example:
        >>> by_own_names(["lora_dim=8"])
        [Override(text='lora_dim=8', keys=('lora_r',), value=8)]
    """
    given = parsed(overrides)
    keys = {one.keys[0] for one in given}
    for other, own in _OTHER_NAMES.items():
        if {other, own} <= keys:
            raise UsageError(f"--set {other} is another name for {own}: give one of them")
    return [
        replace(one, keys=(_OTHER_NAMES.get(one.keys[0], one.keys[0]), *one.keys[1:]))
        for one in given
    ]


def without_rank_of_zero(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a recipe without a rank of 0, by which the console means full training.

    Raises:
        ValueError: The recipe's method trains an adapter.

    Example:
        >>> without_rank_of_zero({"method": "full", "lora_dim": 0})
        {'method': 'full'}
    """
    zero = [name for name in _RANKS if settings.get(name) == 0 and settings[name] is not False]
    if zero and settings.get("method") != "full":
        raise ValueError(
            f"{zero[0]}: 0 means training of all weights: set method: full, or a rank from 1 up"
        )
    return {key: value for key, value in settings.items() if key not in zero}


def with_global_batch(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the rows of an optimizer step, where only its factors are given.

    The guide: rows of a device's pass x accumulated passes x devices. Values of another type are
    left to the recipe, which refuses them.

    Example:
        >>> factors = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 8}
        >>> with_global_batch(factors)["global_batch_size"]
        32
    """
    rows = settings.get("per_device_train_batch_size")
    steps = settings.get("gradient_accumulation_steps")
    is_given = settings.get("global_batch_size") is not None
    if is_given or not isinstance(rows, int) or not isinstance(steps, int):
        return dict(settings)
    return {**settings, "global_batch_size": rows * steps * _processes(settings)}


def _processes(settings: Mapping[str, Any]) -> int:
    distributed = settings.get("distributed")
    if not isinstance(distributed, Mapping):
        return getattr(distributed, "processes", None) or 1
    nodes, devices = distributed.get("nodes", 1), distributed.get("devices", 1)
    return nodes * devices if isinstance(nodes, int) and isinstance(devices, int) else 1
