"""Out-of-memory errors: detection, and release of memory."""

from __future__ import annotations


def is_out_of_memory(error: Exception) -> bool:
    """Whether a library's error means that memory ran out, on a GPU or a CPU."""
    from accelerate.utils.memory import should_reduce_batch_size

    return bool(should_reduce_batch_size(error))


def free_memory() -> None:
    """Release memory that is no longer referenced."""
    from accelerate.utils.memory import clear_device_cache

    clear_device_cache(garbage_collection=True)
