"""Deployment options: names, resources, images, components and mode of a service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from intentflow.config import (
    DNS_LABEL,
    QUANTITY,
    Flag,
    StrictModel,
    apply_overrides,
    load_yaml,
    nearest,
    number_as_text,
)
from intentflow.deployment.addresses import address_fault, host_fault
from intentflow.deployment.pod_failures import WaitLimits

DeployMode = Literal["render", "apply", "git"]

COMPONENTS = (
    "gpu",
    "cpu",
    "awq",
    "lora-adapters",
    "auth",
    "autoscaling",
    "monitoring",
    "model-cache",
    "canary",
    "rollout-job",
)
"""Folders of ``manifests/components``, in the order in which they are applied to the base."""

_LAST_WITHOUT_SPLIT = (0, 20)
_AUTOSCALED_REPLICAS = 4

# KServe and Kubernetes append to a service's name: 40 characters leave room for `-predictor-…`.
_NAME = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"
_BRANCH = r"^[A-Za-z0-9_][\w./-]*$"
_DIGEST = r"^sha256:[0-9a-f]{64}$"
_OBJECT = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
_TAG = r"^[\w][\w.-]*$"


Quantity = Annotated[str, BeforeValidator(number_as_text), StringConstraints(pattern=QUANTITY)]


_LISTS = (
    "components",
    "storage_cidrs",
    "storage_ports",
    "extra_args",
    "image_pull_secrets",
    "model_cache_node_groups",
)


class DeployOptions(StrictModel):
    """Options of ``intentflow deploy`` that do not follow from the model.

    Example:
        >>> settings = ["gpu_count=2", "max_replicas=3"]
        >>> options = DeployOptions.from_layers(None, settings, name="banking")
        >>> options.name, options.gpu_count, options.mode
        ('banking', 2, 'render')
        >>> sorted(options.derived_components)
        ['auth', 'gpu']
    """

    name: Annotated[str, Flag("--name")] = Field(
        "intent", pattern=_NAME, description="Name of the service and of the served model"
    )
    namespace: Annotated[str, Flag("-n", "--namespace")] = Field(
        "default",
        pattern=DNS_LABEL,
        description="Namespace of the service",
    )
    mode: Annotated[DeployMode, Flag("--mode")] = Field(
        "render",
        description="render: write manifests; apply: apply them to the cluster and wait; git: "
        "commit them to a GitOps repository",
    )
    deployment_mode: Literal["Standard", "Knative"] = Field(
        "Standard", description="KServe's deployment mode: plain Deployments, or Knative services"
    )
    kserve_version: str = Field(
        "0.20.0",
        pattern=r"^\d+\.\d+(\.\d+)?$",
        description="KServe version of the cluster; up to 0.20 a canary without transformer gets "
        "no traffic",
    )
    canary_percent: Annotated[int | None, Flag("--canary", metavar="PERCENT")] = Field(
        None,
        ge=0,
        le=99,
        description="Percentage of requests for the new model as a canary of the one in service; "
        "if unset, the new model replaces it",
    )
    stable_model: str | None = Field(
        None,
        description="The model in service, for a canary in mode render; "
        "mode apply finds it in the cluster",
    )
    components: list[str] = Field(
        default=[],
        description="Folders of manifests/components: autoscaling, monitoring, model-cache; those "
        "that follow from model and options (gpu, cpu, awq, lora-adapters, canary, auth, "
        "rollout-job) need not be named",
    )
    gpu_count: int = Field(1, ge=0, description="GPUs of one replica; 0 uses vLLM's CPU image")
    gpu_type: str | None = Field(
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
        None, pattern=_TAG, description="Tag of vLLM's image; that of manifests/base unless set"
    )
    vllm_image_digest: str | None = Field(
        None, pattern=_DIGEST, description="Digest that pins the image's content"
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
        None, pattern=_TAG, description="Tag of the image; that of manifests/base unless set"
    )
    transformer_image_digest: str | None = Field(
        None, pattern=_DIGEST, description="Digest that pins the image's content"
    )
    transformer_cpu: Quantity = Field("1", description="CPUs of one replica of the transformer")
    transformer_memory: Quantity = Field(
        "1Gi", description="Memory of one replica of the transformer"
    )
    transformer_replicas: int = Field(
        1, ge=1, description="Minimum number of replicas of the transformer"
    )
    rollout_job: bool | None = Field(
        None,
        description="Whether to render a Job that ends when the model answers through the "
        "transformer, and the rows of probe correctly; unless set, mode git does",
    )
    rollout_image: str | None = Field(
        None, description="Name of that Job's image, intentflow/deploy, in a mirror"
    )
    rollout_version: str | None = Field(
        None, pattern=_TAG, description="Tag of the image; that of the component unless set"
    )
    rollout_image_digest: str | None = Field(
        None, pattern=_DIGEST, description="Digest that pins the image's content"
    )
    log_uri: str | None = Field(
        None,
        pattern=r"^s3://",
        description="Location for requests and corrections; none are stored if unset",
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
    extra_args: list[str] = Field(default=[], description="Further arguments of the vLLM server")
    service_account: str | None = Field(
        None,
        pattern=_OBJECT,
        description="Existing service account; unless set, one with the service's name is created",
    )
    service_account_annotations: dict[str, str] = Field(
        default={},
        description="Annotations of that service account, such as eks.amazonaws.com/role-arn",
    )
    s3_secret: str | None = Field(
        "intentflow-s3",
        pattern=_OBJECT,
        description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; null where the pods "
        "have a role of AWS",
    )
    storage_container: str | None = Field(
        None,
        pattern=_OBJECT,
        description="ClusterStorageContainer that downloads the model, such as that of "
        "manifests/storage-container for namespaces under Pod Security restricted",
    )
    ca_config_map: str | None = Field(
        None,
        pattern=_OBJECT,
        description="ConfigMap with cabundle.crt: the certificates that the transformer and the "
        "rollout Job check the object storage and others with",
    )
    api_key_secret: str = Field(
        "intentflow-api-key", pattern=_OBJECT, description="Secret with the token that clients send"
    )
    api_key_secret_key: str = Field("token", description="The token's key in that Secret")
    predictor_key_secret_key: str = Field(
        "predictor-token", description="Key of the token that the transformer sends to vLLM"
    )
    lora_adapters: dict[str, str] = Field(
        default={},
        description="Adapters served in addition to the model, without the transformer: name for "
        "requests, and s3:// URI",
    )
    lora_rank: int = Field(64, ge=1, description="Maximum rank of these adapters")
    model_cache_node_groups: list[str] = Field(
        default=["gpu"], min_length=1, description="LocalModelNodeGroups of component model-cache"
    )
    prometheus_url: str = Field(
        "http://prometheus-operated.monitoring.svc:9090",
        pattern=r"^https?://[^\s/]+",
        description="Prometheus that component autoscaling queries for requests in vLLM",
    )
    requests_per_replica: int = Field(
        8,
        ge=1,
        description="Running and waiting requests of one replica of vLLM that component "
        "autoscaling aims at",
    )
    monitoring_namespace: str = Field(
        "monitoring", description="Namespace from which metrics are scraped; others have no access"
    )
    storage_cidrs: list[str] = Field(
        default=["0.0.0.0/0"], description="Addresses of the object storage"
    )
    storage_ports: list[Annotated[int, Field(ge=1, le=65535)]] = Field(
        default=[443, 9000], description="Ports of the object storage"
    )
    storage_namespace: str | None = Field(
        None,
        pattern=_OBJECT,
        description="Namespace of an object storage in the cluster; storage_ports are then those "
        "of its pods, such as 8333 of Kubeflow's own, whose Service has 9000",
    )
    dns_namespace: str = Field(
        "kube-system", pattern=_OBJECT, description="Namespace of the cluster's DNS"
    )
    dns_port: int = Field(
        53, ge=1, le=65535, description="Port of its pods; 5353 in openshift-dns of OpenShift"
    )
    mesh: Literal["none", "istio"] = Field(
        "none",
        description="istio also lets the pods reach istiod in istio-system, and one another by "
        "HBONE (port 15008), which the ambient mode uses",
    )
    image_pull_secrets: list[str] = Field(
        default=[], description="Secrets for a private image mirror"
    )
    node_selector: dict[str, str] = Field(default={}, description="Labels of the nodes to run on")
    tolerations: list[dict[str, Any]] = Field(
        default=[], description="Tolerations in addition to the one for dedicated GPU nodes"
    )
    affinity: dict[str, Any] = Field(default={}, description="Affinity of vLLM's pods")
    topology_spread_constraints: list[dict[str, Any]] = Field(
        default=[],
        description="Spread of vLLM's pods over zones or nodes; without a labelSelector it counts "
        "these pods",
    )
    runtime_class_name: str | None = Field(
        None, pattern=_OBJECT, description="RuntimeClass of vLLM's pods, such as nvidia"
    )
    pod_labels: dict[str, str] = Field(
        default={}, description="Labels of the pods of vLLM, the transformer and the Job"
    )
    pod_annotations: dict[str, str] = Field(
        default={}, description="Annotations of the pods of vLLM, the transformer and the Job"
    )
    monitoring_labels: dict[str, str] = Field(
        default={},
        description="Labels of PodMonitors and PrometheusRule, by which a Prometheus chooses them: "
        "release: kube-prometheus-stack",
    )
    timeout_seconds: Annotated[float, Flag("--timeout", metavar="S")] = Field(
        1800.0, gt=0, description="Seconds that mode apply waits for the service to become ready"
    )
    max_restarts: int = Field(
        3,
        ge=1,
        description="Restarts of a container after which mode apply reports the service as failed",
    )
    unschedulable_seconds: float = Field(
        60.0,
        ge=0,
        description="Seconds that a pod may stay unschedulable in mode apply; not counted while an "
        "autoscaler adds a node for it",
    )
    probe: Annotated[str | None, Flag("--probe", metavar="F")] = Field(
        None,
        description="Rows for a smoke test of the ready service, by mode apply or the rollout Job: "
        "instruction, and the evaluated prediction or the output; a path, or s3:// for the Job",
    )
    probe_url: Annotated[str | None, Flag("--probe-url", metavar="URL")] = Field(
        None, description="URL for the smoke test, if not that of the service"
    )
    git_repo: Annotated[str | None, Flag("--repo", metavar="URL")] = Field(
        None, description="GitOps repository of mode git: a URL, a bare repository or a clone"
    )
    git_branch: Annotated[str, Flag("--branch")] = Field(
        "main", pattern=_BRANCH, description="The branch that is deployed"
    )
    git_path: Annotated[str | None, Flag("--path")] = Field(
        None, description="Folder of the service in the repository; NAMESPACE/NAME unless set"
    )
    git_push_branch: Annotated[str | None, Flag("--push-branch", metavar="B")] = Field(
        None,
        pattern=_BRANCH,
        description="Branch for a pull request, if git_branch is protected",
    )

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _listed(cls, names: object) -> object:
        """Accept ``--set components=monitoring,autoscaling`` without brackets."""
        if isinstance(names, int):
            return [names]
        return [name.strip() for name in names.split(",")] if isinstance(names, str) else names

    @field_validator("storage_cidrs")
    @classmethod
    def _networks(cls, cidrs: list[str]) -> list[str]:
        for cidr in cidrs:
            ip_network(cidr)  # its ValueError explains the problem
        return cidrs

    @field_validator("components")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in COMPONENTS:
                guess = nearest(name, COMPONENTS)
                hint = f"did you mean {guess}?" if guess else f"choose from {', '.join(COMPONENTS)}"
                raise ValueError(f"unknown component {name}; {hint}")
        return names

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

    @model_validator(mode="after")
    def _fit_hosts(self) -> Self:
        fault = host_fault(
            self.name,
            self.namespace,
            transformer=self.transformer,
            canary=self.canary_percent is not None,
        )
        if fault and self.deployment_mode == "Standard":
            raise ValueError(f"name: {fault}")
        return self

    @model_validator(mode="after")
    def _fit_hardware(self) -> Self:
        named = set(self.components)
        if {"cpu", "gpu"} <= named:
            raise ValueError("components: cpu and gpu exclude each other")
        if "cpu" in named and "gpu_count" not in self.model_fields_set:
            self.gpu_count = 0
        if ("cpu" in named) is not (self.gpu_count == 0) and named & {"cpu", "gpu"}:
            raise ValueError(f"gpu_count: {self.gpu_count} contradicts the components")
        if self.deployment_strategy == "Recreate" and self.deployment_mode == "Knative":
            raise ValueError("deployment_strategy: Recreate is for Standard mode")
        if self.gpu_type and not self.gpu_count:
            raise ValueError("gpu_type is set and gpu_count is 0: remove one")
        return self

    @model_validator(mode="after")
    def _fit_replicas(self) -> Self:
        scaled = "autoscaling" in self.components
        if scaled and "max_replicas" not in self.model_fields_set:
            self.max_replicas = max(_AUTOSCALED_REPLICAS, self.min_replicas)
        if self.max_replicas < self.min_replicas:
            raise ValueError(
                f"max_replicas: {self.max_replicas} is less than min_replicas: {self.min_replicas}"
            )
        if scaled and self.deployment_mode == "Knative":
            raise ValueError("components: autoscaling is for Standard mode; Knative scales itself")
        return self

    @model_validator(mode="after")
    def _fit_transformer(self) -> Self:
        if self.log_uri and not self.transformer:
            raise ValueError("log_uri: only the transformer stores requests; set transformer: true")
        if self.lora_adapters and self.transformer:
            raise ValueError(
                "lora_adapters: the transformer asks the model alone, with its prompt and "
                "taxonomy, so that no request would reach an adapter; set transformer: false"
            )
        return self

    @model_validator(mode="after")
    def _fit_account(self) -> Self:
        if self.service_account and self.service_account_annotations:
            raise ValueError(
                "service_account_annotations: an existing service_account is not rendered; "
                "annotate it, or leave out service_account"
            )
        return self

    @model_validator(mode="after")
    def _fit_rollout_job(self) -> Self:
        if not self.has_rollout_job:
            if "rollout-job" in self.components:
                raise ValueError("components: rollout-job contradicts rollout_job: false")
            return self
        if not self.transformer:
            raise ValueError("rollout_job: only the transformer states which model answered")
        if self.canary_percent is not None:
            raise ValueError("rollout_job: with a canary no single model answers all requests")
        if self.mode == "apply":
            raise ValueError("rollout_job: mode apply itself waits for the rollout")
        if self.probe and not self.probe.startswith("s3://"):
            raise ValueError(f"probe: {self.probe} is a local path; the Job reads s3:// alone")
        return self

    @model_validator(mode="after")
    def _fit_models(self) -> Self:
        named = set(self.components)
        if "lora-adapters" in named and not self.lora_adapters:
            raise ValueError("components: lora-adapters needs lora_adapters: {name: s3://…}")
        if "canary" in named and self.canary_percent is None:
            raise ValueError("components: canary needs canary_percent")
        if self.stable_model and self.canary_percent is None:
            raise ValueError("stable_model is set: set canary_percent, too")
        if "model-cache" in named and self.canary_percent is not None:
            raise ValueError(
                "components: KServe would give the canary the cached model of the one in service; "
                "deploy with model-cache and without canary_percent"
            )
        if self.lora_adapters and ("model-cache" in named or self.canary_percent is not None):
            raise ValueError("lora_adapters: KServe does not load them for caches and canaries")
        return self

    @classmethod
    def from_layers(cls, file: str | Path | None, settings: Iterable[str], **flags: object) -> Self:
        """Options from a YAML file, then ``key=value`` settings, then flags that are not None.

        Raises:
            InputError: A key or value is invalid; the message names the file or the setting.
        """
        document = load_yaml(file) if file else {}
        if not isinstance(document, Mapping | None):
            return cls.from_mapping(document, str(file))
        document = apply_overrides(document, settings)
        document |= {key: value for key, value in flags.items() if value is not None}
        return cls.from_mapping(document, str(file) if file else "deploy options")

    @property
    def kserve_splits(self) -> bool:
        """Whether this KServe splits traffic for ``spec.canary[]`` by itself."""
        major, minor = (int(part) for part in self.kserve_version.split(".")[:2])
        return (major, minor) > _LAST_WITHOUT_SPLIT

    @property
    def has_rollout_job(self) -> bool:
        """Whether a Job verifies the rollout."""
        if self.rollout_job is not None:
            return self.rollout_job
        # A canary in mode git is refused, with the reason.
        by_default = self.mode == "git" and self.transformer and self.canary_percent is None
        return "rollout-job" in self.components or by_default

    @property
    def wait_limits(self) -> WaitLimits:
        """Limits of the wait for the service."""
        return WaitLimits(self.timeout_seconds, self.max_restarts, self.unschedulable_seconds)

    @property
    def derived_components(self) -> set[str]:
        """The components for these options, without those that depend on the model."""
        found = {*self.components, "gpu" if self.gpu_count else "cpu"}
        if self.transformer:
            found.add("auth")
        if self.lora_adapters:
            found.add("lora-adapters")
        if self.has_rollout_job:
            found.add("rollout-job")
        return found
