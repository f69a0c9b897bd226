"""Running out of memory: recognising it, and giving back what was taken."""

from __future__ import annotations

import gc

_CPU_MESSAGE = "can't allocate memory"  # torch's allocator has no exception of its own there


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a library's error says that memory did not do, on a GPU or not."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or _CPU_MESSAGE in str(error)


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
