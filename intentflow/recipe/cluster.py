"""What a Kubeflow TrainJob runs on; what follows from the recipe is not asked for here."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from intentflow.config import StrictModel
from intentflow.version import __version__

_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"


class ClusterOptions(StrictModel):
    """Where a training on several machines runs, and how data gets there and the model back."""

    storage: str | None = Field(
        None,
        pattern=r"^s3://[^/]+(/.*)?$",
        description="s3://bucket/prefix through which rows go to the machines and the model back",
    )
    namespace: str | None = Field(
        None, pattern=_LABEL, description="The step's own in a cluster, else default"
    )
    runtime: str = Field("torch-distributed", description="TrainingRuntime that the job builds on")
    runtime_kind: str = Field(
        "ClusterTrainingRuntime", pattern="^(Cluster)?TrainingRuntime$", description="Its kind"
    )
    image: str = Field(f"intentflow/train:{__version__}", description="With intentflow and torch")
    gpus: int | None = Field(
        None, ge=0, description="GPUs of each machine; as many as devices unless set, 0 for none"
    )
    cpu: str = Field("8", pattern=_QUANTITY, description="CPU of each machine")
    memory: str = Field("64Gi", pattern=_QUANTITY, description="Memory of each machine")
    s3_secret: str = Field(
        "intentflow-s3", description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )
    checkpoints_claim: str | None = Field(
        None, pattern=_LABEL, description="PersistentVolumeClaim that all machines can mount"
    )
    service_account: str | None = Field(None, description="That the job's pods run as")
    image_pull_secrets: list[str] = Field(default=[], description="For a private image registry")
    node_selector: dict[str, str] = Field(default={}, description="Labels of the nodes to run on")
    tolerations: list[dict[str, Any]] = Field(default=[], description="Of the nodes' taints")
    timeout_seconds: int | None = Field(
        None, ge=1, description="After which the cluster ends the job; no limit if empty"
    )
