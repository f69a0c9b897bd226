"""Options of one step of a graph, and how they become those of its KFP task."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field

from intentflow.config import StrictModel, number_as_text
from intentflow.io.validation_messages import form
from intentflow.pipeline.step_resources import STEP_RESOURCES

ADDED = ("env", "env_from_secrets", "volumes", "config_maps", "empty_dirs", "labels", "annotations")
"""Options of a step that are added to those for all steps instead of replacing them."""


Cpu = Annotated[
    str,
    BeforeValidator(number_as_text),
    Field(pattern=form(r"^([0-9]+(\.[0-9]+)?|[0-9]+m)$", "CPUs such as 4, 0.5 or 500m")),
]
"""CPUs as Kubernetes writes them: ``4``, ``0.5``, ``500m``."""

Bytes = Annotated[
    str,
    BeforeValidator(number_as_text),
    Field(
        pattern=form(
            r"^[0-9]+(\.[0-9]+)?(E|Ei|P|Pi|T|Ti|G|Gi|M|Mi|K|Ki)?$",
            "bytes with a unit, such as 16Gi or 512Mi",
        )
    ),
]
"""Memory as KFP takes it: bytes, or a number with a unit such as ``Mi`` or ``Gi``."""


class Toleration(StrictModel):
    """A Kubernetes toleration."""

    key: str = Field(description="Key of the taint")
    operator: Literal["Exists", "Equal"] = Field(
        "Exists", description="Exists: any value of the taint; Equal: value"
    )
    value: str | None = Field(None, description="Value of the taint, with operator Equal")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Effect of the taint; every effect unless set"
    )


class StepOptions(StrictModel):
    """Options of one step."""

    image: str | None = Field(None, description="Replaces the project's image of the step")
    image_pull_secrets: list[str] = Field(
        default_factory=list, description="Secrets for a private image registry"
    )
    cpu: Cpu | None = Field(None, description="CPU limit, such as 4 or 500m")
    cpu_request: Cpu | None = Field(None, description="CPU request; cpu where that is set")
    memory: Bytes | None = Field(None, description="Memory limit, such as 16Gi")
    memory_request: Bytes | None = Field(
        None, description="Memory request; memory where that is set"
    )
    gpu_count: int = Field(0, ge=0, description="Number of accelerators")
    gpu_memory: Bytes | None = Field(
        None,
        description="Memory of one accelerator, such as 80Gi, for the advice of validate; a "
        "cluster does not state it",
    )
    gpu_type: str = Field(
        "nvidia.com/gpu",
        pattern=form(
            r"^[a-z0-9][a-z0-9.-]*\.[a-z0-9.-]*[a-z0-9]/[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$",
            "a resource such as nvidia.com/gpu",
        ),
        description="Resource name of the accelerator, such as nvidia.com/gpu or amd.com/gpu; the "
        "product is a label of the node, for node_selector",
    )
    shared_memory: Bytes | None = Field(
        None, description="Size of /dev/shm, counted as memory; 64Mi unless set"
    )
    retries: int = Field(
        0, ge=0, description="Retries of a failed step, the first after a minute, then after two"
    )
    timeout_seconds: int | None = Field(
        None, ge=1, description="Time after which the pod of the step is ended"
    )
    node_selector: dict[str, str] = Field(
        default_factory=dict, description="Labels of the nodes to run on"
    )
    tolerations: list[Toleration] = Field(
        default_factory=list, description="Tolerations of the nodes' taints"
    )
    labels: dict[str, str] = Field(default_factory=dict, description="Labels of the pod")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations of the pod")
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
    config_maps: dict[str, str] = Field(
        default_factory=dict,
        description="ConfigMap name: mount path, such as certificates of a private authority",
    )
    empty_dirs: dict[str, Bytes] = Field(
        default_factory=dict, description="Mount path: size of an empty folder on the node's disk"
    )
    run_as_user: int | None = Field(None, ge=0, description="User id; that of the image unless set")
    run_as_group: int | None = Field(
        None, ge=0, description="Group id; that of the image unless set"
    )

    def with_default_resources(self, step: str) -> Self:
        """These options with requests and limits wherever none are set.

        A namespace with a quota refuses pods without them. A limit without a request is also the
        request, as in Kubernetes; a request without a limit is also the limit.
        """
        default = STEP_RESOURCES[step]
        cpu = _request_and_limit(self.cpu_request, self.cpu, default.cpu)
        memory = _request_and_limit(self.memory_request, self.memory, default.memory)
        found = {
            "cpu_request": cpu[0],
            "cpu": cpu[1],
            "memory_request": memory[0],
            "memory": memory[1],
        }
        return self.model_copy(update=found)


def _request_and_limit(
    request: str | None, limit: str | None, default: tuple[str, str]
) -> tuple[str, str]:
    if request is None and limit is None:
        return default
    return request or limit or "", limit or request or ""


def apply_step_options(task: Any, options: StepOptions) -> Any:
    """Set image, resources, placement and secrets on a KFP task; returns the task."""
    if options.image:
        task.set_container_image(options.image)
    _apply_resources(task, options)
    if options.retries:
        task.set_retry(options.retries, backoff_duration="60s", backoff_factor=2.0)
    for name, value in options.env.items():
        task.set_env_variable(name, value)
    if options.model_dump(include=_KUBERNETES, exclude_defaults=True):
        _apply_placement(task, options)
        _apply_pod(task, options)
        _apply_volumes(task, options)
    return task


_KUBERNETES = {
    "image_pull_secrets",
    "shared_memory",
    "timeout_seconds",
    "node_selector",
    "tolerations",
    "labels",
    "annotations",
    "env_from_secrets",
    "volumes",
    "config_maps",
    "empty_dirs",
    "run_as_user",
    "run_as_group",
}
"""Options that need ``kfp.kubernetes``, and so the second document of a compiled graph."""


def _apply_resources(task: Any, options: StepOptions) -> None:
    for value, set_value in (
        (options.cpu_request, task.set_cpu_request),
        (options.cpu, task.set_cpu_limit),
        (options.memory_request, task.set_memory_request),
        (options.memory, task.set_memory_limit),
    ):
        if value:
            set_value(value)
    if options.gpu_count:
        task.set_accelerator_type(options.gpu_type).set_accelerator_limit(options.gpu_count)


def _apply_placement(task: Any, options: StepOptions) -> None:
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


def _apply_pod(task: Any, options: StepOptions) -> None:
    from kfp import kubernetes

    if options.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, options.image_pull_secrets)
    if options.timeout_seconds:
        kubernetes.set_timeout(task, options.timeout_seconds)
    for key, value in options.labels.items():
        kubernetes.add_pod_label(task, key, value)
    for key, value in options.annotations.items():
        kubernetes.add_pod_annotation(task, key, value)
    for secret, variables in options.env_from_secrets.items():
        kubernetes.use_secret_as_env(task, secret_name=secret, secret_key_to_env=variables)
    if options.run_as_user is not None or options.run_as_group is not None:
        kubernetes.set_security_context(
            task, run_as_user=options.run_as_user, run_as_group=options.run_as_group
        )


def _apply_volumes(task: Any, options: StepOptions) -> None:
    from kfp import kubernetes

    for claim, path in options.volumes.items():
        kubernetes.mount_pvc(task, pvc_name=claim, mount_path=path)
    for name, path in options.config_maps.items():
        kubernetes.use_config_map_as_volume(task, config_map_name=name, mount_path=path)
    if options.shared_memory:
        kubernetes.empty_dir_mount(
            task, "shared-memory", "/dev/shm", medium="Memory", size_limit=options.shared_memory
        )
    for number, (path, size) in enumerate(options.empty_dirs.items()):
        kubernetes.empty_dir_mount(task, f"empty-{number}", path, size_limit=size)
