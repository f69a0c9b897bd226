"""How a training goes over several devices and machines."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from intentflow.config import StrictModel
from intentflow.recipe.cluster import ClusterOptions


class Distributed(StrictModel):
    """How a training goes over several devices and machines.

    The curve is the same however many there are: the global batch stays, and the loss is the mean
    over its answer tokens.
    """

    strategy: Literal["none", "ddp", "fsdp"] = Field(
        "none",
        description="none: one device; ddp: the model whole on each; fsdp: weights, gradients and "
        "optimizer in shares (FSDP2)",
    )
    nodes: int = Field(1, ge=1, description="Machines; more than one goes by a Kubeflow TrainJob")
    devices: int | Literal["auto"] = Field(
        "auto", description="Processes on each machine; auto: its GPUs, without any one"
    )
    cluster: ClusterOptions = Field(
        default_factory=ClusterOptions, description="Where a training on several machines runs"
    )

    @model_validator(mode="after")
    def _devices_count(self) -> Self:
        if self.devices != "auto" and self.devices < 1:
            raise ValueError(f"devices: {self.devices} is not a number of processes")
        return self

    @model_validator(mode="after")
    def _several_share_somehow(self) -> Self:
        several = self.nodes > 1 or (self.devices != "auto" and self.devices > 1)
        if self.strategy == "none" and several:
            raise ValueError("strategy: several devices need ddp or fsdp")
        if self.nodes > 1 and self.devices == "auto":
            raise ValueError(
                "devices: on several machines say how many each has; this one cannot see theirs"
            )
        return self

    @property
    def processes(self) -> int | None:
        """Processes on all machines together; None where the machine decides."""
        return None if self.devices == "auto" else self.nodes * self.devices
