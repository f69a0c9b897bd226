"""Devices of a run's train step in a cluster, as its options and its recipe state them."""

from __future__ import annotations

from intentflow.pipeline.run_config import RunConfig


def train_hardware(config: RunConfig) -> str:
    """The hardware of the training in a cluster, for the advice of ``validate``.

    On several nodes these are the devices of the TrainJob, otherwise those of the train step.

    Args:
        config: The run configuration.

    Returns:
        Hardware as :data:`intentflow.validation.hardware.HARDWARE` states it.
    """
    options = config.pipeline.for_step("train")
    distributed = config.recipe.distributed
    gpus, memory = options.gpu_count, options.memory
    if distributed.nodes > 1:
        each = distributed.cluster.gpus
        processes = distributed.processes or distributed.nodes
        gpus = processes if each is None else distributed.nodes * each
        memory = distributed.cluster.memory
    return f"{gpus}x{options.gpu_memory or ''}" if gpus else memory or ""
