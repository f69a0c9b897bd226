"""What a service is called, what it runs on and how it is brought there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from intentflow.config import StrictModel, apply_overrides, load_yaml

DeployMode = Literal["render", "apply", "git"]

# KServe and Kubernetes add to a service's name: 40 characters leave room for `-predictor-…`.
_NAME = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"
_BRANCH = r"^[A-Za-z0-9_][\w./-]*$"
_QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"


class DeployOptions(StrictModel):
    """Options of ``intentflow deploy``; what follows from the model is not asked for here."""

    name: str = Field("intent", pattern=_NAME, description="Of the service and of the served model")
    namespace: str = Field("default", pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
    mode: DeployMode = Field(
        "render", description="render: files only; apply: change the cluster; git: a commit"
    )
    deployment_mode: Literal["Standard", "Knative"] = Field(
        "Standard", description="KServe's: plain Deployments, or Knative services"
    )
    canary_percent: int | None = Field(
        None,
        ge=0,
        le=99,
        description="Share of the requests that mode apply gives to the new model beside the one "
        "in service; unset replaces it",
    )
    gpu_count: int = Field(1, ge=0, description="GPUs of one replica; 0 takes vLLM's CPU image")
    gpu_type: str | None = Field(
        None, description="As the node label nvidia.com/gpu.product says, such as NVIDIA-L4"
    )
    cpu: str = Field("4", pattern=_QUANTITY, description="CPU of one replica")
    memory: str = Field("16Gi", pattern=_QUANTITY, description="Memory of one replica")
    min_replicas: int = Field(1, ge=1)
    max_replicas: int = Field(1, ge=1)
    vllm_image: str = Field(
        "vllm/vllm-openai", description="Where a mirror is used, the image's name there"
    )
    vllm_version: str = Field("v0.32.0", pattern=r"^[\w][\w.-]*$", description="The image's tag")
    vllm_image_digest: str | None = Field(
        None, pattern=r"^sha256:[0-9a-f]{64}$", description="Pins the image's very content"
    )
    max_model_len: int | None = Field(
        None,
        ge=1,
        description="Tokens of prompt and answer; unless set, the recipe's max_length or 2048, "
        "whichever is more and the model can take",
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        "auto", description="Of the served weights; as they were saved unless set"
    )
    extra_args: list[str] = Field(default=[], description="More arguments of the vLLM server")
    service_account: str | None = Field(
        None, description="One that is there already; otherwise one is made with the service's name"
    )
    s3_secret: str = Field(
        "intentflow-s3", description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )
    api_key_secret: str = Field(
        "intentflow-api-key", description="Secret with the token that clients send"
    )
    api_key_secret_key: str = Field("token", description="The token's key in that Secret")
    image_pull_secrets: list[str] = Field(default=[], description="For a private image mirror")
    node_selector: dict[str, str] = Field(default={}, description="Labels of the nodes to run on")
    tolerations: list[dict[str, Any]] = Field(
        default=[], description="Beside the one for nodes that are set apart for GPUs"
    )
    timeout_seconds: float = Field(
        1800.0, gt=0, description="How long mode apply waits for the service to be ready"
    )
    probe: str | None = Field(
        None,
        description="Rows that mode apply asks the ready service: instruction, and the evaluated "
        "prediction or the output; a path or s3://",
    )
    probe_url: str | None = Field(
        None, description="Where they are asked, if not at the URL that the service gives"
    )
    git_repo: str | None = Field(
        None, description="GitOps repository of mode git: a URL, a bare repository or a clone"
    )
    git_branch: str = Field("main", pattern=_BRANCH, description="The branch that is in service")
    git_path: str | None = Field(
        None, description="The service's folder in it; NAMESPACE/NAME unless set"
    )
    git_push_branch: str | None = Field(
        None,
        pattern=_BRANCH,
        description="Push here for a pull request, where git_branch is protected",
    )

    @model_validator(mode="after")
    def _replicas_in_order(self) -> Self:
        if self.max_replicas < self.min_replicas:
            raise ValueError(
                f"max_replicas: {self.max_replicas} is less than min_replicas: {self.min_replicas}"
            )
        if self.gpu_type and not self.gpu_count:
            raise ValueError("gpu_type is set and gpu_count is 0: remove one")
        return self

    @classmethod
    def from_layers(cls, file: str | Path | None, settings: Iterable[str], **flags: object) -> Self:
        """Options from a YAML file, then ``key=value`` settings, then flags that are not None.

        Raises:
            IntentflowError: Naming the file or the setting, and the key.
        """
        document = load_yaml(file) if file else {}
        if not isinstance(document, Mapping | None):
            return cls.from_mapping(document, str(file))
        document = apply_overrides(document, settings)
        document |= {key: value for key, value in flags.items() if value is not None}
        return cls.from_mapping(document, str(file) if file else "deploy options")

    @property
    def image(self) -> str:
        """The image with its tag and, where given, its digest."""
        name = self.vllm_image
        if not self.gpu_count and name == "vllm/vllm-openai":
            name = "vllm/vllm-openai-cpu"
        digest = f"@{self.vllm_image_digest}" if self.vllm_image_digest else ""
        return f"{name}:{self.vllm_version}{digest}"
