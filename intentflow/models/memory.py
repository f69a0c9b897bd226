"""Memory: its peak, errors where it runs out, and its release."""

from __future__ import annotations

import resource


def is_out_of_memory(error: Exception) -> bool:
    """Whether a library's error means that memory ran out, on a GPU or a CPU."""
    from accelerate.utils.memory import should_reduce_batch_size

    return bool(should_reduce_batch_size(error))


def free_memory() -> None:
    """Release memory that is no longer referenced."""
    from accelerate.utils.memory import clear_device_cache

    clear_device_cache(garbage_collection=True)


def peak_memory_bytes() -> int:
    """Peak memory of this process so far: of the GPU if there is one, else its resident memory."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
