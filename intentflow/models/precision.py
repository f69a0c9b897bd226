"""The fast arithmetic precision of this node."""

from __future__ import annotations

from pathlib import Path

_CPU_FLAGS = ("avx512_bf16", "amx_bf16")


def fast_precision() -> str:
    """16-bit arithmetic if the GPU, or without one the CPU, supports it."""
    import torch

    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return cpu_precision()


def cpu_precision() -> str:
    """16-bit arithmetic if the CPU supports it; emulated, it is three times slower."""
    flags = Path("/proc/cpuinfo")
    text = flags.read_text() if flags.is_file() else ""
    return "bf16" if any(flag in text for flag in _CPU_FLAGS) else "fp32"
