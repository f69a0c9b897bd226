"""Running out of memory: recognising it, and giving back what was taken."""

from __future__ import annotations


def is_out_of_memory(error: Exception) -> bool:
    """Whether a library's error says that memory did not do, on a GPU or not."""
    from accelerate.utils.memory import should_reduce_batch_size

    return bool(should_reduce_batch_size(error))


def free_memory() -> None:
    """Give back what nothing refers to any more."""
    from accelerate.utils.memory import clear_device_cache

    clear_device_cache(garbage_collection=True)
