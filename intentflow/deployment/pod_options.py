"""Deployment options of where the pods run, and how they are labelled."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from intentflow.config import StrictModel
from intentflow.deployment.option_types import OBJECT, Listed


class PodOptions(StrictModel):
    """Placement, labels and annotations of the pods."""

    image_pull_secrets: Annotated[list[str], Listed] = Field(
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
        None, pattern=OBJECT, description="RuntimeClass of vLLM's pods, such as nvidia"
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
