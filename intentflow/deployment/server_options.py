"""Deployment options of the servers: vLLM, the transformer, their hardware and replicas."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from intentflow.config import DNS_LABEL, Quantity, StrictModel
from intentflow.deployment.addresses import address_fault
from intentflow.deployment.option_types import DIGEST, TAG, Listed


class ServerOptions(StrictModel):
    """Hardware, replicas and versions of vLLM and the transformer."""

    gpu_count: int = Field(1, ge=0, description="GPUs of one replica; 0 uses vLLM's CPU image")
    gpu_product: str | None = Field(
        None, description="Value of the node label nvidia.com/gpu.product, such as NVIDIA-L4"
    )
    cpu: Quantity = Field("4", description="CPUs of one replica")
    memory: Quantity = Field("16Gi", description="Memory of one replica")
    min_replicas: int = Field(1, ge=1, description="Minimum number of replicas")
    max_replicas: int = Field(
        1, ge=1, description="Maximum number of replicas, with component autoscaling"
    )
    deployment_strategy: Literal["RollingUpdate", "Recreate"] = Field(
        "RollingUpdate",
        description="Recreate ends a pod of the model before the next one starts: for one GPU; "
        "nothing answers meanwhile",
    )
    vllm_image: str | None = Field(
        None, description="Name of the image in a mirror, if one is used"
    )
    vllm_version: str | None = Field(
        None, pattern=TAG, description="Tag of vLLM's image; that of manifests/base unless set"
    )
    vllm_image_digest: str | None = Field(
        None, pattern=DIGEST, description="Digest that pins the image's content"
    )
    transformer: bool = Field(
        True,
        description="Whether to put the transformer before vLLM, with typed answers, the "
        "constraint, clients' tokens and the request log; false leaves vLLM's own routes",
    )
    transformer_image: str | None = Field(
        None, description="Name of the image in a mirror, if one is used"
    )
    transformer_version: str | None = Field(
        None, pattern=TAG, description="Tag of the image; that of manifests/base unless set"
    )
    transformer_image_digest: str | None = Field(
        None, pattern=DIGEST, description="Digest that pins the image's content"
    )
    transformer_cpu: Quantity = Field("1", description="CPUs of one replica of the transformer")
    transformer_memory: Quantity = Field(
        "1Gi", description="Memory of one replica of the transformer"
    )
    transformer_replicas: int = Field(
        1, ge=1, description="Minimum number of replicas of the transformer"
    )
    max_model_len: int | None = Field(
        None,
        ge=1,
        description="Tokens of prompt and answer; unless set, the larger one of the recipe's "
        "max_length and 2048 that the model supports",
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        "auto", description="Data type of the served weights; that of the saved weights unless set"
    )
    extra_args: Annotated[list[str], Listed] = Field(
        default=[], description="Further arguments of the vLLM server"
    )
    lora_adapters: dict[str, str] = Field(
        default={},
        description="Adapters served in addition to the model, without the transformer: name for "
        "requests, and s3:// URI",
    )
    lora_rank: int = Field(64, ge=1, description="Maximum rank of these adapters")

    @field_validator("lora_adapters")
    @classmethod
    def _sound_adapters(cls, adapters: dict[str, str]) -> dict[str, str]:
        for name, uri in adapters.items():
            if not re.match(DNS_LABEL, name):
                raise ValueError(f"{name}: use lower-case letters, digits and hyphens in the name")
            if not uri.startswith("s3://"):
                raise ValueError(f"{name}: {uri} is not an s3:// URI")
            if fault := address_fault(uri):
                raise ValueError(f"{name}: {fault}")
        return adapters
