"""Training hardware, and the part of a model's training that fits into its memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

GIGABYTE = 1024**3

HARDWARE = r"^([1-9][0-9]*x)?([0-9]+(\.[0-9]+)?([EPTGMK]i?|k|m)?)?$"
"""Hardware as options state it: ``2x80Gi``, two GPUs of 80 GiB each; ``2x``, of unknown memory;
``64Gi``, a CPU with this memory."""

_SIZES = {
    "": 1.0,
    "m": 1e-3,
    "k": 1e3,
    **{unit: 1000.0**power for power, unit in enumerate("KMGTPE", 1)},
    **{f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)},
}
_SIZE_IN_NAME = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(b|m)(?![a-z0-9])", re.I)
_UNITS = {"b": 1e9, "m": 1e6}
_DEVICE_FILES = ("/dev/nvidiactl", "/dev/kfd")
_GROUP_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)

# Bytes per weight. Full: 32-bit master copy, gradient and the two moments of AdamW. LoRA: 16-bit
# weights and about 4 % of trained ones (rank 64). QLoRA: 4-bit weights with their scales.
BYTES_PER_WEIGHT = {"full": 16.0, "lora": 2.6, "qlora": 1.2, "dpo": 2.6}
_USABLE = 0.85
# Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models": a
# layer keeps 34 bytes per token and hidden unit in 16 bits, and twice that in 32 bits.
_ACTIVATION_BYTES = {"cuda": 34.0, "cpu": 68.0}
# With gradient checkpointing only each layer's input is kept, 2 bytes, and one layer at a time is
# computed again.
_CHECKPOINT_SHARE = 2 / 34
# Decoders have about 12 · layers · hidden² weights, and 80 to 130 hidden units per layer.
_WEIGHTS_PER_LAYER = 12
_HIDDEN_PER_LAYER = 85


@dataclass(frozen=True, slots=True)
class Hardware:
    """Devices for a training.

    Attributes:
        kind: ``cuda`` or ``cpu``.
        devices: Number of devices; a CPU counts as one.
        memory_bytes: Memory of the smallest device; None if it is not known.
    """

    kind: str
    devices: int
    memory_bytes: int | None

    @classmethod
    def parse(cls, text: str) -> Hardware:
        """Read hardware as options state it, see :data:`HARDWARE`.

        Example:
            >>> str(Hardware.parse("2x80Gi")), str(Hardware.parse("64Gi"))
            ('2 GPU, 80.0 GiB', 'CPU, 64.0 GiB')
        """
        gpus, times, size = text.rpartition("x")
        number, unit = re.fullmatch(r"([\d.]*)([A-Za-z]*)", size).groups()  # type: ignore[union-attr]
        memory = int(float(number) * _SIZES[unit]) if number else None
        return cls("cuda", int(gpus), memory) if times else cls("cpu", 1, memory)

    @classmethod
    def detect(cls) -> Hardware:
        """The hardware of this computer: its GPUs if torch finds any, otherwise CPU and memory.

        Torch takes seconds to import, so it is used only if a device file indicates a GPU.
        """
        sizes = _gpu_sizes() if any(Path(file).exists() for file in _DEVICE_FILES) else []
        if sizes:
            return cls("cuda", len(sizes), min(sizes))
        return cls("cpu", 1, usable_memory())

    def __str__(self) -> str:
        name = "CPU" if self.kind == "cpu" else f"{self.devices} GPU"
        if self.memory_bytes is None:
            return f"{name}, memory not known"
        return f"{name}, {self.memory_bytes / GIGABYTE:.1f} GiB"


def parameter_count(model: str) -> int | None:
    """The number of weights that a model's name states, or None.

    Example:
        >>> parameter_count("Qwen/Qwen1.5-1.8B-Chat")
        1800000000
    """
    found = _SIZE_IN_NAME.findall(model)
    return round(float(found[-1][0]) * _UNITS[found[-1][1].lower()]) if found else None


def tokens_that_fit(
    hardware: Hardware, weights: int, method: str, *, checkpointing: bool = False, shards: int = 1
) -> int:
    """Number of tokens of one training pass that fit into a device's memory; 0 or less if none do.

    Args:
        hardware: The devices, whose memory is known; the smallest one decides.
        weights: Number of the model's weights.
        method: ``full``, ``lora``, ``qlora`` or ``dpo``.
        checkpointing: Whether activations are computed again instead of kept.
        shards: Number of devices that share one copy of weights and optimizer.
    """
    left = _USABLE * (hardware.memory_bytes or 0) - BYTES_PER_WEIGHT[method] * weights / shards
    hidden = (weights * _HIDDEN_PER_LAYER / _WEIGHTS_PER_LAYER) ** (1 / 3)
    per_layer = _ACTIVATION_BYTES[hardware.kind] * hidden
    layers = weights / (_WEIGHTS_PER_LAYER * hidden**2)
    per_token = per_layer * (1 + _CHECKPOINT_SHARE * layers if checkpointing else layers)
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


def usable_memory() -> int:
    """Memory in bytes of this computer, or the limit of its control group."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_group_limits(_GROUP_LIMITS)])


def _group_limits(files: Iterable[str]) -> list[int]:
    texts = [Path(file).read_text().strip() for file in files if Path(file).is_file()]
    return [int(text) for text in texts if text.isdecimal()]
