"""The pods that a service requests: their number, fields, labels and annotations.

KServe copies the fields of predictor and transformer into the pod templates. Compared is what is
requested, since the API server, KServe and admission webhooks add fields of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from intentflow.deployment.annotations import (
    ANNOTATION,
    AUTOSCALER_CLASS,
    COMPONENT_LABEL,
    SERVICE_LABEL,
)

_FIXED_REPLICAS = "none"
# KServe sets these labels itself, whatever is requested.
_SET_BY_KSERVE = ("app", COMPONENT_LABEL, SERVICE_LABEL)
# KServe copies these annotations into no pod template (its ServiceAnnotationDisallowedList).
_NOT_COPIED = (
    "autoscaling.knative.dev/max-scale",
    "autoscaling.knative.dev/min-scale",
    "kubectl.kubernetes.io/last-applied-configuration",
    "modelFormat",
)

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class RequestedPods:
    """The requested pods of one Deployment.

    Attributes:
        replicas: Number of the pods; None if an autoscaler changes it.
        fields: Fields of the pod, without its containers.
        labels: Labels of the pod.
        annotations: Annotations of the pod.
    """

    replicas: int | None = None
    fields: Fields = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def are_in(self, deployment: Fields) -> bool:
        """Whether a Deployment's ``spec`` requests these pods.

        Example:
            >>> template = {"spec": {"nodeSelector": {"pool": "gpu"}, "dnsPolicy": "ClusterFirst"}}
            >>> pods = RequestedPods(replicas=2, fields={"nodeSelector": {"pool": "gpu"}})
            >>> pods.are_in({"replicas": 2, "template": template})
            True
            >>> pods.are_in({"replicas": 1, "template": template})
            False
        """
        if self.replicas is not None and deployment.get("replicas", 1) != self.replicas:
            return False
        template = deployment["template"]
        metadata = template.get("metadata") or {}
        return (
            includes(template["spec"], self.fields)
            and includes(metadata.get("labels") or {}, self.labels)
            and includes(metadata.get("annotations") or {}, self.annotations)
        )


def of_predictor(service: Fields, runtime: Fields | None) -> RequestedPods:
    """The pods of the stable predictor; KServe takes the canaries' replicas off its own.

    Args:
        service: The InferenceService.
        runtime: ServingRuntime of the service; None if it is not known.
    """
    predictor = service["spec"]["predictor"]
    canaries = service["spec"].get("canary") or ()
    replicas = predictor.get("minReplicas")
    if canaries and replicas is not None:
        replicas = max(replicas - sum(_of_canary(service, canary) for canary in canaries), 1)
    return _requested(service, predictor, replicas, runtime)


def of_canary(service: Fields, canary: Fields, runtime: Fields | None) -> RequestedPods:
    """The pods of a canary.

    Args:
        service: The InferenceService.
        canary: The entry of its ``spec.canary``.
        runtime: ServingRuntime of the canary; None if it is not known.
    """
    return _requested(service, canary["predictor"], _of_canary(service, canary), runtime)


def of_transformer(service: Fields) -> RequestedPods:
    """The pods of the transformer of an InferenceService."""
    transformer = service["spec"]["transformer"]
    return _requested(service, transformer, transformer.get("minReplicas"), None)


def includes(actual: Any, wanted: Any) -> bool:
    """Whether a value has every requested field; the server adds defaults and normalizes.

    Args:
        actual: The value in the cluster.
        wanted: The requested value; lists without an order.

    Example:
        >>> includes({"cpu": "1", "memory": "1Gi"}, {"cpu": "1000m"})
        True
    """
    if isinstance(wanted, Mapping):
        return isinstance(actual, Mapping) and all(
            key in actual and includes(actual[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(actual, list) and all(
            any(includes(item, value) for item in actual) for value in wanted
        )
    return bool(actual == wanted) or _same_quantity(actual, wanted)


def _of_canary(service: Fields, canary: Fields) -> int:
    """A canary's replicas: its own, or its share of those of the stable predictor."""
    own = canary["predictor"].get("minReplicas")
    if own is not None:
        return int(own)
    stable = int(service["spec"]["predictor"].get("minReplicas", 1))
    return ceil(stable * int(canary.get("trafficPercent", 0)) / 100)


def _requested(
    service: Fields, part: Fields, replicas: int | None, runtime: Fields | None
) -> RequestedPods:
    of_service = {
        key: value
        for key, value in (service["metadata"].get("annotations") or {}).items()
        if key == AUTOSCALER_CLASS or key.startswith(ANNOTATION)
    }
    annotations = of_service | dict(part.get("annotations") or {})
    is_fixed = annotations.get(AUTOSCALER_CLASS) == _FIXED_REPLICAS
    return RequestedPods(
        replicas=replicas if is_fixed else None,
        fields=_pod_fields((runtime or {}).get("spec") or {}) | _pod_fields(part),
        labels=_without(part.get("labels"), _SET_BY_KSERVE),
        annotations=_without(annotations, _NOT_COPIED),
    )


def _pod_fields(part: Fields) -> dict[str, Any]:
    """The fields of a part that are a pod's; those of its containers are compared elsewhere."""
    from kubernetes.client import V1PodSpec

    names = {*V1PodSpec.attribute_map.values()} - {"containers", "initContainers"}
    return {key: value for key, value in part.items() if key in names}


def _without(values: Mapping[str, str] | None, keys: tuple[str, ...]) -> dict[str, str]:
    return {key: value for key, value in (values or {}).items() if key not in keys}


def _same_quantity(first: Any, second: Any) -> bool:
    """Whether two values are the same Kubernetes quantity, such as 1000m and 1."""
    from kubernetes.utils.quantity import parse_quantity

    try:
        return bool(parse_quantity(first) == parse_quantity(second))
    except (ValueError, TypeError):
        return False
