"""Traffic split: a service with a canary for a share of the requests."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from intentflow.deployment.annotations import (
    AUTOSCALER_CLASS,
    FORMER_CANARY,
    model_of,
    without_former_entries,
)
from intentflow.deployment.kustomize import Manifest
from intentflow.errors import UsageError

ALL_REQUESTS = 100
_FLAG = "--canary_"
_PERCENT = f"{_FLAG}percent="
_MODEL_URI = "--model_uri="
_CONTAINER = "kserve-container"
# KServe gives a canary a fixed number of replicas, and refuses these.
_NOT_OF_CANARIES = ("maxReplicas", "scaleTarget", "scaleMetric", "autoScaling")


def share_requests(
    service: Manifest, candidate: Manifest, percent: int, *, kserve_splits: bool = False
) -> Manifest:
    """A service in Standard mode with another one's predictor as its canary, ``spec.canary[0]``.

    The canary's pod template is the one that it will have as the predictor, so that a promotion
    restarts no pod. The transformer splits the requests, because it knows which prompt belongs to
    which model. KServe's own share is then 0, because its routes would bypass the transformer.
    Without a transformer KServe splits the traffic.

    Args:
        service: The InferenceService in service.
        candidate: The same service rendered for the new model.
        percent: Share of the requests for the new model, 0 to 100.
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
    predictor = _canary(shared, candidate)
    entry = {"predictor": predictor, "trafficPercent": percent}
    shared["spec"]["canary"] = [entry]
    _add_replicas(shared, predictor["minReplicas"])
    if "transformer" in shared["spec"]:
        entry["trafficPercent"] = 0
        container = shared["spec"]["transformer"]["containers"][0]
        container["args"] += _arguments(shared, predictor, percent)
    return shared


def with_all_requests(service: Manifest) -> Manifest:
    """The service whose transformer sends all requests to its canary."""
    out = deepcopy(service)
    for container in out["spec"]["transformer"]["containers"]:
        container["args"] = [
            f"{_PERCENT}{ALL_REQUESTS}" if it.startswith(_PERCENT) else it
            for it in container["args"]
        ]
    return out


def requests_shared(service: Mapping[str, Any]) -> int | None:
    """The canary's share of requests in percent; None without a canary."""
    spec = service.get("spec") or {}
    knative = (spec.get("predictor") or {}).get("canaryTrafficPercent")
    if not spec.get("canary"):
        return knative
    for container in (spec.get("transformer") or {}).get("containers", ()):
        for argument in container.get("args", ()):
            if argument.startswith(_PERCENT) and argument.removeprefix(_PERCENT).isdigit():
                return int(argument.removeprefix(_PERCENT))
    return int(spec["canary"][0].get("trafficPercent", 0))


def without_share(service: Manifest) -> Manifest:
    """The service without its canary."""
    alone = deepcopy(service)
    for entry in alone.get("spec", {}).pop("canary", ()):
        _add_replicas(alone, -entry["predictor"].get("minReplicas", 0))
    annotations = alone["metadata"].get("annotations") or {}
    for key in [key for key in annotations if key.startswith(FORMER_CANARY)]:
        del annotations[key]
    for container in alone.get("spec", {}).get("transformer", {}).get("containers", ()):
        container["args"] = [it for it in container["args"] if not it.startswith(_FLAG)]
    return alone


def with_canary_in_place(service: Manifest) -> Manifest:
    """The service whose predictor is its canary, with the canary's name and so its pods."""
    alone = without_share(service)
    former = alone["spec"]["predictor"]
    canary = deepcopy(service["spec"]["canary"][0]["predictor"])
    # A canary's container needs a name, which KServe does not allow in a predictor.
    canary["model"].pop("name", None)
    replicas = {key: former[key] for key in ("minReplicas", "maxReplicas") if key in former}
    # What the former predictor alone has, KServe has merged into the canary, too.
    alone["spec"]["predictor"] = {**former, **canary, **replicas}
    metadata = alone["metadata"]
    metadata["annotations"] = without_former_entries(metadata.get("annotations") or {})
    return with_transformer_of(alone, alone["spec"]["predictor"]["model"]["storageUri"])


def with_transformer_of(service: Manifest, uri: str) -> Manifest:
    """The service whose transformer reads prompt, taxonomy and calibration of a model."""
    out = deepcopy(service)
    for container in out["spec"].get("transformer", {}).get("containers", ()):
        container["args"] = [
            f"{_MODEL_URI}{uri}" if it.startswith(_MODEL_URI) else it for it in container["args"]
        ]
    return out


def _canary(service: Manifest, candidate: Manifest) -> Manifest:
    """The candidate's predictor under a name of its own, with the present number of replicas."""
    predictor = service["spec"]["predictor"]
    # Part of the Deployment's name: after a promotion the pods keep running.
    name = f"c{model_of(candidate).model_digest[:8]}"
    if name == predictor.get("name"):  # a model that was promoted, rolled back, and tried again
        name += "b"
    canary: Manifest = deepcopy(candidate["spec"]["predictor"])
    for key in _NOT_OF_CANARIES:
        canary.pop(key, None)
    canary |= {
        "name": name,
        "minReplicas": predictor.get("minReplicas", 1),
        # A canary's container needs a name; a predictor's has one by default.
        "model": {"name": _CONTAINER, **canary["model"]},
    }
    if not _has_fixed_replicas(service):
        # Of a service deployed before: its canary would inherit KEDA without a metric.
        canary["annotations"] = {**canary.get("annotations", {}), AUTOSCALER_CLASS: "none"}
    return canary


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
        f"{_PERCENT}{percent}",
    ]
