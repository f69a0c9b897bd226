"""Deployment options: names, resources, images, components and mode of a service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import model_validator

from intentflow.config import load_yaml
from intentflow.deployment.access_options import AccessOptions
from intentflow.deployment.addresses import host_fault
from intentflow.deployment.pod_options import PodOptions
from intentflow.deployment.rollout_options import RolloutOptions
from intentflow.deployment.server_options import ServerOptions
from intentflow.deployment.service_options import ServiceOptions
from intentflow.overrides import Overrides, apply_overrides, parsed

_LAST_WITHOUT_SPLIT = (0, 20)
_AUTOSCALED_REPLICAS = 4


class DeployOptions(RolloutOptions, PodOptions, AccessOptions, ServerOptions, ServiceOptions):
    """Options of ``intentflow deploy`` that do not follow from the model.

    Example:
        >>> settings = ["gpu_count=2", "max_replicas=3"]
        >>> options = DeployOptions.from_layers(None, settings, name="banking")
        >>> options.name, options.gpu_count, options.mode
        ('banking', 2, 'render')
        >>> sorted(options.derived_components)
        ['auth', 'gpu']
    """

    @model_validator(mode="after")
    def _fit_hosts(self) -> Self:
        if self.deployment_mode != "Standard":
            return self

        def fault(*, canary: bool) -> str | None:
            names = (self.name, self.namespace)
            return host_fault(*names, transformer=self.transformer, canary=canary)

        found = fault(canary=bool(self.shadow_model) or self.canary_percent is not None)
        if found:
            raise ValueError(f"name: {found}")
        later = fault(canary=True)
        if later and self._starts_models_as_canaries:
            raise ValueError(
                f"name: {later}: the next model starts under that name next to this one; "
                "deployment_strategy: Recreate would replace this one in place, with a gap"
            )
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
        if self.gpu_product and not self.gpu_count:
            raise ValueError("gpu_product is set and gpu_count is 0: remove one")
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
        if self.person_key_secret and not self.transformer:
            raise ValueError(
                "person_key_secret: only the transformer takes persons; set transformer: true"
            )
        if self.lora_adapters and self.transformer:
            raise ValueError(
                "lora_adapters: the transformer asks the model alone, with its prompt and "
                "taxonomy, so that no request would reach an adapter; set transformer: false"
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
    def _fit_shadow(self) -> Self:
        if not (self.shadow_model or self.shadow_percent):
            return self
        if not self.shadow_model and self.canary_percent is None:
            raise ValueError("shadow_percent is set: set shadow_model or canary_percent, too")
        key = "shadow_model" if self.shadow_model else "shadow_percent"
        if self.deployment_mode != "Standard":
            raise ValueError(f"{key}: a shadow is for Standard mode")
        if not self.transformer:
            raise ValueError(f"{key}: only the transformer copies requests; set transformer: true")
        if "model-cache" in self.components:
            raise ValueError(f"{key}: KServe would give the shadow the cached model")
        if self.lora_adapters:
            raise ValueError(f"{key}: KServe does not load LoRA adapters for a second predictor")
        return self

    @property
    def copied_to_canary(self) -> int:
        """Percentage of requests that are copied to the canary."""
        return 0 if self.shadow_model else self.shadow_percent or 0

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
    def from_layers(cls, file: str | Path | None, settings: Overrides, **flags: object) -> Self:
        """Options from a YAML file, then ``key=value`` settings, then flags that are not None.

        Raises:
            InputError: A key or value is invalid; the message names the file or the setting.
        """
        document = load_yaml(file) if file else {}
        if not isinstance(document, Mapping | None):
            return cls.from_mapping(document, str(file))
        overrides = parsed(settings)
        document = apply_overrides(document, overrides)
        document |= {key: value for key, value in flags.items() if value is not None}
        overrides = [one for one in overrides if flags.get(one.keys[0]) is None]
        return cls.from_mapping(document, str(file) if file else "deploy options", overrides)

    @property
    def kserve_splits(self) -> bool:
        """Whether this KServe splits traffic for ``spec.canary[]`` by itself."""
        major, minor = (int(part) for part in self.kserve_version.split(".")[:2])
        return (major, minor) > _LAST_WITHOUT_SPLIT

    @property
    def _starts_models_as_canaries(self) -> bool:
        """Whether each model after the first starts as a canary: see model_change."""
        in_place = self.deployment_strategy == "Recreate" or "model-cache" in self.components
        return self.mode == "apply" and self.transformer and not in_place

    @property
    def has_rollout_job(self) -> bool:
        """Whether a Job verifies the rollout."""
        if self.rollout_job is not None:
            return self.rollout_job
        # A canary in mode git is refused, with the reason.
        by_default = self.mode == "git" and self.transformer and self.canary_percent is None
        return "rollout-job" in self.components or by_default

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
