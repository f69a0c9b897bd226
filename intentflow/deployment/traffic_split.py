"""Traffic split: a service with a canary for a share of the requests."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from math import ceil
from typing import Any

from intentflow.deployment.annotations import AUTOSCALER_CLASS, CANARY, CANARY_REPLACES, model_of
from intentflow.deployment.kustomize import Manifest
from intentflow.errors import UsageError

_FLAG = "--canary_"
_CONTAINER = "kserve-container"


def share_requests(
    service: Manifest, candidate: Manifest, percent: int, *, kserve_splits: bool = False
) -> Manifest:
    """A service in Standard mode with another one's model as its canary, ``spec.canary[0]``.

    The transformer splits the requests, because it knows which prompt belongs to which model.
    KServe's own share is then 0, because its routes would bypass the transformer. Without a
    transformer KServe splits the traffic.

    Args:
        service: The InferenceService in service.
        candidate: The same service rendered for the new model.
        percent: Share of the requests for the new model, 0 to 99.
        kserve_splits: Whether the cluster's KServe splits traffic without a transformer.

    Raises:
        UsageError: There are adapters, which KServe does not load for canaries, or nothing
            would implement the share.
    """
    if percent and not kserve_splits and "transformer" not in service["spec"]:
        raise UsageError(
            f"{service['metadata']['name']} has no transformer, and KServe up to 0.20 would give "
            "its canary no traffic: deploy it with the transformer, use canary_percent=0 (the "
            "canary has its own URL), or give a later version with --set kserve_version=0.21"
        )
    if "storageUris" in service["spec"]["predictor"]:
        raise UsageError(
            f"{service['metadata']['name']}: KServe does not load LoRA adapters for canaries"
        )
    shared = without_share(service)
    entry = _canary(shared, candidate, percent)
    shared["spec"]["canary"] = [entry]
    _add_replicas(shared, entry["predictor"]["minReplicas"])
    _annotate(shared, candidate)
    if "transformer" in shared["spec"]:
        entry["trafficPercent"] = 0
        container = shared["spec"]["transformer"]["containers"][0]
        container["args"] += _arguments(shared, entry["predictor"], percent)
    return shared


def requests_shared(service: Mapping[str, Any]) -> int | None:
    """The canary's share of requests in percent; None without a canary."""
    spec = service.get("spec") or {}
    knative = (spec.get("predictor") or {}).get("canaryTrafficPercent")
    if not spec.get("canary"):
        return knative
    prefix = f"{_FLAG}percent="
    for container in (spec.get("transformer") or {}).get("containers", ()):
        for argument in container.get("args", ()):
            if argument.startswith(prefix) and argument.removeprefix(prefix).isdigit():
                return int(argument.removeprefix(prefix))
    return int(spec["canary"][0].get("trafficPercent", 0))


def without_share(service: Manifest) -> Manifest:
    """The service without its canary."""
    alone = deepcopy(service)
    for entry in alone.get("spec", {}).pop("canary", ()):
        _add_replicas(alone, -entry["predictor"].get("minReplicas", 0))
    annotations = alone["metadata"].get("annotations") or {}
    for key in [key for key in annotations if key.startswith(CANARY)]:
        del annotations[key]
    for container in alone.get("spec", {}).get("transformer", {}).get("containers", ()):
        container["args"] = [it for it in container["args"] if not it.startswith(_FLAG)]
    return alone


def _canary(service: Manifest, candidate: Manifest, percent: int) -> Manifest:
    """A separate predictor; KServe completes it from the one in service."""
    predictor = service["spec"]["predictor"]
    # Part of the Deployment's name: after a promotion the pods keep running.
    name = f"c{model_of(candidate).model_digest[:8]}"
    if name == predictor.get("name"):  # a model that was promoted, rolled back, and tried again
        name += "b"
    canary = {
        "name": name,
        "minReplicas": max(1, ceil(predictor.get("minReplicas", 1) * percent / 100)),
        # A canary's container needs a name; a predictor's has one by default.
        "model": {"name": _CONTAINER, **deepcopy(candidate["spec"]["predictor"]["model"])},
    }
    if not _has_fixed_replicas(service):
        # Of a service deployed before: its canary would inherit KEDA without a metric.
        canary["annotations"] = {AUTOSCALER_CLASS: "none"}
    return {"predictor": canary, "trafficPercent": percent}


def _has_fixed_replicas(service: Manifest) -> bool:
    """Whether KServe makes no autoscaler, as it does for services of an earlier version."""
    annotations = service["metadata"].get("annotations") or {}
    return annotations.get(AUTOSCALER_CLASS) in ("none", "external")


def _add_replicas(service: Manifest, number: int) -> None:
    """Make up for the canary's replicas, which KServe subtracts from those of the predictor."""
    predictor = service["spec"]["predictor"]
    if _has_fixed_replicas(service):
        for key in ("minReplicas", "maxReplicas"):
            if key in predictor:
                predictor[key] += number


def _arguments(shared: Manifest, canary: Manifest, percent: int) -> list[str]:
    """The transformer's arguments about the canary."""
    host = f"{shared['metadata']['name']}-{canary['name']}-predictor"
    return [
        f"{_FLAG}host={host}.{shared['metadata']['namespace']}",
        f"{_FLAG}model_uri={canary['model']['storageUri']}",
        f"{_FLAG}percent={percent}",
    ]


def _annotate(shared: Manifest, candidate: Manifest) -> None:
    """Record the canary's model, and the model that it would replace."""
    annotations = shared["metadata"].setdefault("annotations", {})
    annotations |= model_of(candidate).annotations(CANARY)
    annotations[CANARY_REPLACES] = shared["spec"]["predictor"]["model"]["storageUri"]
