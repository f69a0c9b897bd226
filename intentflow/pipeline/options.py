"""Options of a graph's steps: images, resources, placement and secrets."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from intentflow.config import StrictModel, nearest
from intentflow.pipeline import images
from intentflow.pipeline.steps.balance import BalanceMode
from intentflow.pipeline.steps.quantize import QUANTIZED, Method
from intentflow.recipe.cluster import TRAIN_IMAGE

STEPS = (
    "convert",
    "curate",
    "validate",
    "split",
    "balance",
    "baseline",
    "train",
    "quantize",
    "evaluate",
    "gate",
    "publish",
    "deploy",
    "explain",
)


_ADDED = ("env", "env_from_secrets", "volumes")


class Toleration(StrictModel):
    """A Kubernetes toleration."""

    key: str
    operator: Literal["Exists", "Equal"] = "Exists"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class StepOptions(StrictModel):
    """Options of one step."""

    image: str | None = Field(None, description="Replaces the project's image of the step")
    cpu: str | None = Field(None, description="CPU limit, such as 4 or 500m")
    memory: str | None = Field(None, description="Memory limit, such as 16Gi")
    gpu_count: int = Field(0, ge=0, description="Number of accelerators")
    gpu_type: str = Field("nvidia.com/gpu", description="Resource name of the accelerator")
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: list[Toleration] = Field(default_factory=list)
    env_from_secrets: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Secret name: {key in the secret: environment variable}; never the value",
    )
    env: dict[str, str] = Field(
        default_factory=dict, description="Environment variables that are not secret"
    )
    volumes: dict[str, str] = Field(
        default_factory=dict, description="PersistentVolumeClaim name: mount path"
    )


class PipelineOptions(StrictModel):
    """Options of a graph.

    ``all`` applies to every step; a step's own options override it, and its variables and secrets
    are added to those for all.
    """

    registry: str = Field("", description="Prefix of the project's image names")
    balance: BalanceMode = "none"
    quantize: Literal["none"] | Method = Field("none", description=QUANTIZED)
    all: StepOptions = Field(default_factory=StepOptions)
    steps: dict[str, StepOptions] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _steps_exist(self) -> Self:
        for name in self.steps:
            if name not in STEPS:
                guess = nearest(name, STEPS)
                hint = f"; did you mean {guess}?" if guess else ""
                raise ValueError(f"steps: there is no step {name}{hint}")
        return self

    def for_step(self, step: str) -> StepOptions:
        """The options of one step, with its own overriding those for all."""
        shared = self.all.model_dump(exclude_unset=True)
        own = self.steps.get(step, StepOptions()).model_dump(exclude_unset=True)
        merged = {**shared, **own}
        for name in _ADDED:
            if name in shared and name in own:
                merged[name] = {**shared[name], **own[name]}
        options = StepOptions.model_validate(merged)
        if options.image is None and self.registry:
            options.image = f"{self.registry.rstrip('/')}/{_default_image(step)}"
        if step == "train" and options.image:
            # Nodes of a distributed training run what this step runs.
            options.env = {TRAIN_IMAGE: options.image, **options.env}
        return options


def apply_step_options(task: Any, options: StepOptions) -> Any:
    """Set image, resources, placement and secrets on a KFP task; returns the task."""
    if options.image:
        task.set_container_image(options.image)
    if options.cpu:
        task.set_cpu_limit(options.cpu)
    if options.memory:
        task.set_memory_limit(options.memory)
    if options.gpu_count:
        task.set_accelerator_type(options.gpu_type).set_accelerator_limit(options.gpu_count)
    for name, value in options.env.items():
        task.set_env_variable(name, value)
    if options.node_selector or options.tolerations or options.env_from_secrets or options.volumes:
        _apply_kubernetes(task, options)
    return task


def _apply_kubernetes(task: Any, options: StepOptions) -> None:
    from kfp import kubernetes

    for key, value in options.node_selector.items():
        kubernetes.add_node_selector(task, key, value)
    for toleration in options.tolerations:
        kubernetes.add_toleration(
            task,
            key=toleration.key,
            operator=toleration.operator,
            value=toleration.value,
            effect=toleration.effect,
        )
    for secret, variables in options.env_from_secrets.items():
        kubernetes.use_secret_as_env(task, secret_name=secret, secret_key_to_env=variables)
    for claim, path in options.volumes.items():
        kubernetes.mount_pvc(task, pvc_name=claim, mount_path=path)


def _default_image(step: str) -> str:
    if step in ("baseline", "train", "quantize", "evaluate"):
        return images.TRAIN
    return images.DEPLOY if step in ("publish", "deploy") else images.DATA
