"""KEDA's ScaledObject of a service's predictor, whose target follows the predictor's name."""

from __future__ import annotations

from collections.abc import Sequence

from intentflow.deployment.ownership import Manifest
from intentflow.deployment.rollout_status import predictor_name

SCALED_OBJECT = ("keda.sh/v1alpha1", "ScaledObject")


def scaled_object_name(service: str) -> str:
    """Name of the predictor's ScaledObject, which a promotion does not change."""
    return predictor_name(service, None)


def follow_predictor(objects: Sequence[Manifest]) -> None:
    """Let the predictor's ScaledObject among the objects scale the present Deployment."""
    for service in objects:
        if service["kind"] != "InferenceService":
            continue
        name = service["metadata"]["name"]
        target = predictor_name(name, service["spec"]["predictor"].get("name"))
        for item in objects:
            found = (item["kind"], item["metadata"]["name"])
            if found == (SCALED_OBJECT[1], scaled_object_name(name)):
                item["spec"]["scaleTargetRef"]["name"] = target
