"""KEDA's ScaledObjects of a service, one for each Deployment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from intentflow.cluster.client import Cluster
from intentflow.deployment.annotations import AUTOSCALER_CLASS
from intentflow.deployment.canary_entries import canary_entries
from intentflow.deployment.ownership import Manifest
from intentflow.deployment.rollout_status import predictor_name

SCALED_OBJECT = ("keda.sh/v1alpha1", "ScaledObject")
_SERVICE = "InferenceService"
_NAME_LABEL = "app.kubernetes.io/name"


def is_scaled_outside(service: Mapping[str, Any]) -> bool:
    """Whether ScaledObjects of our own scale the service."""
    annotations = service["metadata"].get("annotations") or {}
    return bool(annotations.get(AUTOSCALER_CLASS) == "external")


def follow_predictor(objects: Sequence[Manifest]) -> None:
    """Let the predictor's ScaledObject scale the Deployment of the last service of the objects."""
    for service in objects:
        if service["kind"] == _SERVICE:
            name = service["metadata"]["name"]
            for item in of_predictor(objects):
                _point(item, predictor_name(name, service["spec"]["predictor"].get("name")))


def for_canary(objects: Iterable[Manifest], service: Manifest) -> list[Manifest]:
    """ScaledObjects of the service's canary, as those of the predictor among the objects.

    A shadow has one replica.

    Args:
        objects: Rendered objects of the service.
        service: The InferenceService with its canaries.
    """
    name = service["metadata"]["name"]
    found = []
    for entry in canary_entries(service):
        for item in of_predictor(objects):
            found.append(deepcopy(item))
            _point(found[-1], predictor_name(name, entry["predictor"]["name"]))
    return found


def surplus(cluster: Cluster, service: Mapping[str, Any]) -> list[Manifest]:
    """ScaledObjects whose predictor the service has no more.

    Args:
        cluster: The cluster.
        service: The InferenceService as it is now.
    """
    if not is_scaled_outside(service):
        return []
    name, namespace = (service["metadata"][key] for key in ("name", "namespace"))
    predictors = [service["spec"]["predictor"]]
    predictors += [entry["predictor"] for entry in service["spec"].get("canary") or ()]
    present = {predictor_name(name, predictor.get("name")) for predictor in predictors}
    found = cluster.list(*SCALED_OBJECT, namespace, f"{_NAME_LABEL}={name}")
    return [item for item in of_predictor(found) if item["metadata"]["name"] not in present]


def of_predictor(objects: Iterable[Manifest]) -> list[Manifest]:
    """The ScaledObjects of predictors among the objects."""
    kept = (item for item in objects if item["kind"] == SCALED_OBJECT[1])
    return [item for item in kept if item["metadata"]["name"].endswith("-predictor")]


def _point(item: Manifest, deployment: str) -> None:
    """Let a ScaledObject, which has its Deployment's name, scale a Deployment."""
    item["metadata"]["name"] = deployment
    item["spec"]["scaleTargetRef"]["name"] = deployment
