"""Processes of a training: their number, and the role of this one.

The processes are started by torch (``torchrun``), which sets ``RANK``, ``LOCAL_RANK`` and
``WORLD_SIZE``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from intentflow.errors import InputError
from intentflow.recipe.distributed import Distributed


def is_rank() -> bool:
    """Whether torch's launcher started this process as one of a training."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def is_main_process() -> bool:
    """Whether this process, of the several that train one model, writes the results."""
    return os.environ.get("RANK", "0") == "0"


def world_size() -> int:
    """Number of processes that train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_processes(settings: Distributed) -> int:
    """Number of processes on this node."""
    if settings.strategy == "none":
        return 1
    if settings.devices != "auto":
        return settings.devices
    import torch

    return max(1, torch.cuda.device_count())


def agree(mine: bool) -> bool:
    """The main process's answer to a question that every process is asked at the same time."""
    if world_size() == 1:
        return mine
    import torch

    answers: list[Any] = [mine]
    torch.distributed.broadcast_object_list(answers, src=0)
    return bool(answers[0])


def agree_on_checkpoint(mine: Path | None, folder: Path) -> Path | None:
    """The checkpoint that all processes resume from, which is the main process's.

    Raises:
        InputError: This process cannot see it.
    """
    if world_size() == 1:
        return mine
    import torch

    names: list[Any] = [mine.name if mine else None]
    torch.distributed.broadcast_object_list(names, src=0)
    if names[0] is None:
        return None
    if not (folder / names[0]).is_dir():
        raise InputError(
            f"{folder / names[0]}: this node does not see the checkpoint that the main process "
            "resumes from: keep checkpoints on a volume that all nodes share"
        )
    return folder / str(names[0])


def complete_model(trainer: Any, rebuild: Callable[[], Any]) -> Any:
    """The trained model with all of its weights, for the main process.

    If the weights are sharded, all processes must call this: the shards are gathered into a model
    on the CPU.

    Args:
        trainer: The trainer.
        rebuild: Creates the model as it was before training.
    """
    if not trainer.is_fsdp_enabled:
        return trainer.model
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if not is_main_process():
        return trainer.model
    model = rebuild()
    model.load_state_dict(weights)
    return model
