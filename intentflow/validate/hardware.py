"""The machine that trains, and how much of a model's training fits into its memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

GIGABYTE = 1024**3

_SIZE_IN_NAME = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(b|m)(?![a-z0-9])", re.I)
_UNITS = {"b": 1e9, "m": 1e6}
_DEVICE_FILES = ("/dev/nvidiactl", "/dev/kfd")
_GROUP_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)

# Bytes a weight. All weights: 32-bit master copy, gradient and the two moments of AdamW. LoRA:
# 16-bit weights and about 4 % of trained ones (rank 64); QLoRA: 4-bit weights with their scales.
_BYTES_PER_WEIGHT = {"full": 16.0, "lora": 2.6, "qlora": 1.2}
_USABLE = 0.85
# Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models": a
# layer keeps 34 bytes a token and hidden unit in 16 bits. Twice that with 32 bits.
_ACTIVATION_BYTES = {"cuda": 34.0, "cpu": 68.0}
# Decoders have about 12 · layers · hidden² weights, and 80 to 130 times as many hidden units as
# layers.
_WEIGHTS_PER_LAYER = 12
_HIDDEN_PER_LAYER = 85


@dataclass(frozen=True, slots=True)
class Machine:
    """What trains.

    Attributes:
        kind: ``cuda`` or ``cpu``.
        devices: How many; a CPU is one.
        memory_bytes: Memory of the smallest device.
    """

    kind: str
    devices: int
    memory_bytes: int

    @classmethod
    def here(cls) -> Machine:
        """This machine: its GPUs where torch sees any, else its processor and memory.

        Torch, which takes seconds to import, is asked only where a device file hints at a GPU.
        """
        sizes = _gpu_sizes() if any(Path(file).exists() for file in _DEVICE_FILES) else []
        if sizes:
            return cls("cuda", len(sizes), min(sizes))
        return cls("cpu", 1, _usable_memory())

    def __str__(self) -> str:
        name = "CPU" if self.kind == "cpu" else f"{self.devices} GPU"
        return f"{name}, {self.memory_bytes / GIGABYTE:.1f} GiB"


def parameter_count(model: str) -> int | None:
    """The number of weights that a model's name states (``Qwen1.5-1.8B-Chat``), or None."""
    found = _SIZE_IN_NAME.findall(model)
    return round(float(found[-1][0]) * _UNITS[found[-1][1].lower()]) if found else None


def tokens_that_fit(machine: Machine, weights: int, method: str) -> int:
    """Tokens of one training pass that fit into a device's memory; zero or less if none do.

    Args:
        machine: Its smallest device counts.
        weights: Number of the model's weights.
        method: ``full``, ``lora`` or ``qlora``.
    """
    left = _USABLE * machine.memory_bytes - _BYTES_PER_WEIGHT[method] * weights
    hidden = (weights * _HIDDEN_PER_LAYER / _WEIGHTS_PER_LAYER) ** (1 / 3)
    per_token = _ACTIVATION_BYTES[machine.kind] * weights / (_WEIGHTS_PER_LAYER * hidden)
    return int(left / per_token)


def _gpu_sizes() -> list[int]:
    try:
        import torch
    except ModuleNotFoundError:
        return []
    if not torch.cuda.is_available():
        return []
    count = torch.cuda.device_count()
    return [torch.cuda.get_device_properties(at).total_memory for at in range(count)]


def _usable_memory() -> int:
    """The machine's memory, or what its control group may take of it."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *_group_limits(_GROUP_LIMITS)])


def _group_limits(files: Iterable[str]) -> list[int]:
    texts = [Path(file).read_text().strip() for file in files if Path(file).is_file()]
    return [int(text) for text in texts if text.isdecimal()]
