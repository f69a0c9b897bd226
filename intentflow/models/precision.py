"""The fast arithmetic precision of this node."""

from __future__ import annotations

from pathlib import Path


def fast_precision() -> str:
    """16-bit arithmetic if the CPU supports it; emulated, it is three times slower."""
    import torch

    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    flags = Path("/proc/cpuinfo")
    text = flags.read_text() if flags.is_file() else ""
    return "bf16" if "avx512_bf16" in text or "amx_bf16" in text else "fp32"
