"""Options of a Kubeflow TrainJob that do not follow from the recipe."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from intentflow.config import DNS_LABEL, Quantity, StrictModel
from intentflow.io.validation_messages import form
from intentflow.version import __version__

TRAIN_IMAGE = "INTENTFLOW_TRAIN_IMAGE"
"""Environment variable that a graph sets in its train step to that step's image."""


class ClusterOptions(StrictModel):
    """Options of a training on several nodes: storage, images, resources and placement."""

    storage: str | None = Field(
        None,
        pattern=form(r"^s3://[^/]+(/.*)?$", "s3://bucket/prefix"),
        description="s3://bucket/prefix for the transfer of rows and of the trained model",
    )
    namespace: str | None = Field(
        None,
        pattern=DNS_LABEL,
        description="Namespace of the job; in a cluster the step's own, otherwise default",
    )
    runtime: str = Field("torch-distributed", description="TrainingRuntime that the job builds on")
    runtime_kind: str = Field(
        "ClusterTrainingRuntime",
        pattern="^(Cluster)?TrainingRuntime$",
        description="Kind of that runtime",
    )
    image: str | None = Field(
        None,
        description="Image with intentflow and torch; unless set, that of the graph's train step, "
        f"and outside a graph intentflow/train:{__version__}",
    )
    gpus: int | None = Field(
        None, ge=0, description="GPUs of each node; as many as devices unless set, 0 for none"
    )
    cpu: Quantity = Field("8", description="CPUs of each node")
    memory: Quantity = Field("64Gi", description="Memory of each node")
    s3_secret: str | None = Field(
        "intentflow-s3",
        description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; null where the pods "
        "of service_account have a role of AWS",
    )
    ca_config_map: str | None = Field(
        None,
        description="ConfigMap with cabundle.crt: the certificates that the object storage and "
        "others are checked with",
    )
    env_from_secrets: dict[str, dict[str, str]] = Field(
        default={},
        description="Secret name: {key in the secret: environment variable}, such as "
        "{hub: {token: HF_TOKEN}} for a gated base model; never the value",
    )
    checkpoints_claim: str | None = Field(
        None, pattern=DNS_LABEL, description="PersistentVolumeClaim that all nodes can mount"
    )
    service_account: str | None = Field(None, description="Service account of the job's pods")
    image_pull_secrets: list[str] = Field(
        default=[], description="Secrets for a private image registry"
    )
    node_selector: dict[str, str] = Field(default={}, description="Labels of the nodes to run on")
    tolerations: list[dict[str, Any]] = Field(
        default=[], description="Tolerations of the nodes' taints"
    )
    shared_memory: Quantity | None = Field(
        "2Gi",
        description="Size of /dev/shm, counted as memory of the pod; null for the runtime's own, "
        "usually 64Mi, which is too little for NCCL",
    )
    security_context: Literal["restricted", "runtime"] = Field(
        "restricted",
        description="restricted: what Pod Security's level of that name asks for, as user 1000; "
        "runtime: what the TrainingRuntime and the namespace say",
    )
    timeout_seconds: int | None = Field(
        None, ge=1, description="Time after which the cluster ends the job; no limit if empty"
    )
