"""Deployment options of the service: name, mode, canary and components."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from intentflow.config import DNS_LABEL, Flag, StrictModel, nearest
from intentflow.deployment.option_types import Listed
from intentflow.io.validation_messages import form

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

# KServe and Kubernetes append to a service's name: 40 characters leave room for `-predictor-…`.
_NAME = form(
    r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$",
    "at most 40 lower-case letters, digits and hyphens, a letter first",
)


class ServiceOptions(StrictModel):
    """Name, mode, canary and components of a service."""

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
        pattern=form(r"^\d+\.\d+(\.\d+)?$", "a version such as 0.20.0"),
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
    shadow_model: Annotated[str | None, Flag("--shadow", metavar="MODEL")] = Field(
        None,
        description="A published model, s3://…/sha256-…, that gets copies of requests as a shadow: "
        "it answers no client, and its answers are compared",
    )
    shadow_percent: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Percentage of requests that are copied to the shadow; without shadow_model, "
        "to the canary",
    )
    components: Annotated[list[str], Listed] = Field(
        default=[],
        description="Folders of manifests/components: autoscaling, monitoring, model-cache; those "
        "that follow from model and options (gpu, cpu, awq, lora-adapters, canary, auth, "
        "rollout-job) need not be named",
    )

    @field_validator("components")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in COMPONENTS:
                guess = nearest(name, COMPONENTS)
                hint = f"did you mean {guess}?" if guess else f"choose from {', '.join(COMPONENTS)}"
                raise ValueError(f"unknown component {name}; {hint}")
        return names
