"""Distribution of a training over devices and nodes."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from intentflow.config import StrictModel
from intentflow.recipe.cluster import ClusterOptions


class Distributed(StrictModel):
    """Distribution of a training over devices and nodes.

    The loss curve does not depend on their number: the global batch stays the same, and the loss is
    the mean over its answer tokens.
    """

    strategy: Literal["none", "ddp", "fsdp"] = Field(
        "none",
        description="none: one device; ddp: the complete model on each; fsdp: weights, gradients "
        "and optimizer states sharded (FSDP2)",
    )
    nodes: int = Field(
        1, ge=1, description="Number of nodes; more than one needs a Kubeflow TrainJob"
    )
    devices: int | Literal["auto"] = Field(
        "auto", description="Processes per node; auto: one per GPU, or one without GPUs"
    )
    cluster: ClusterOptions = Field(
        default_factory=ClusterOptions, description="Options of a training on several nodes"
    )

    @model_validator(mode="after")
    def _devices_count(self) -> Self:
        if self.devices != "auto" and self.devices < 1:
            raise ValueError(f"devices: expected auto or an integer from 1 up, not {self.devices}")
        return self

    @model_validator(mode="after")
    def _several_share_somehow(self) -> Self:
        several = self.nodes > 1 or (self.devices != "auto" and self.devices > 1)
        if self.strategy == "none" and several:
            raise ValueError("strategy: several devices need ddp or fsdp")
        if self.nodes > 1 and self.devices == "auto":
            raise ValueError("devices: with several nodes, give the number of each node's devices")
        return self

    @property
    def processes(self) -> int | None:
        """Number of processes on all nodes; None if it depends on the node's GPUs."""
        return None if self.devices == "auto" else self.nodes * self.devices
