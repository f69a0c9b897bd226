"""Options of a Kubeflow TrainJob that do not follow from the recipe."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from intentflow.config import StrictModel
from intentflow.version import __version__

_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"


class ClusterOptions(StrictModel):
    """Options of a training on several nodes: storage, images, resources and placement."""

    storage: str | None = Field(
        None,
        pattern=r"^s3://[^/]+(/.*)?$",
        description="s3://bucket/prefix for the transfer of rows and of the trained model",
    )
    namespace: str | None = Field(
        None,
        pattern=_LABEL,
        description="Namespace of the job; in a cluster the step's own, otherwise default",
    )
    runtime: str = Field("torch-distributed", description="TrainingRuntime that the job builds on")
    runtime_kind: str = Field(
        "ClusterTrainingRuntime",
        pattern="^(Cluster)?TrainingRuntime$",
        description="Kind of that runtime",
    )
    image: str = Field(
        f"intentflow/train:{__version__}", description="Image with intentflow and torch"
    )
    gpus: int | None = Field(
        None, ge=0, description="GPUs of each node; as many as devices unless set, 0 for none"
    )
    cpu: str = Field("8", pattern=_QUANTITY, description="CPUs of each node")
    memory: str = Field("64Gi", pattern=_QUANTITY, description="Memory of each node")
    s3_secret: str = Field(
        "intentflow-s3", description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )
    checkpoints_claim: str | None = Field(
        None, pattern=_LABEL, description="PersistentVolumeClaim that all nodes can mount"
    )
    service_account: str | None = Field(None, description="Service account of the job's pods")
    image_pull_secrets: list[str] = Field(
        default=[], description="Secrets for a private image registry"
    )
    node_selector: dict[str, str] = Field(default={}, description="Labels of the nodes to run on")
    tolerations: list[dict[str, Any]] = Field(
        default=[], description="Tolerations of the nodes' taints"
    )
    timeout_seconds: int | None = Field(
        None, ge=1, description="Time after which the cluster ends the job; no limit if empty"
    )
