"""Traffic split: a service with a canary for a share of the requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from intentflow.deployment.annotations import (
    AUTOSCALER_CLASS,
    FORMER_CANARY,
    model_of,
    without_former_entries,
)
from intentflow.deployment.arguments import served_only_as
from intentflow.deployment.canary_entries import (
    canary_entries,
    canary_name,
    shadow_entries,
    shadow_name,
)
from intentflow.deployment.kustomize import Manifest
from intentflow.errors import UsageError

ALL_REQUESTS = 100
_FLAG = "--canary_"
_SHADOW_FLAG = "--shadow_"
_PERCENT = f"{_FLAG}percent="
_MODEL_URI = "--model_uri="
_CONTAINER = "kserve-container"
# KServe gives a canary a fixed number of replicas, and refuses these.
_NOT_OF_CANARIES = ("maxReplicas", "scaleTarget", "scaleMetric", "autoScaling")


def share_requests(
    service: Manifest,
    candidate: Manifest,
    percent: int,
    *,
    kserve_splits: bool = False,
    copied_percent: int = 0,
) -> Manifest:
    """A service in Standard mode with another one's predictor as its canary, ``spec.canary[0]``.

    The canary's pod template is the one that it will have as the predictor, so that a promotion
    restarts no pod. The transformer splits the requests, because it knows which prompt belongs to
    which model. KServe's own share is then 0, because its routes would bypass the transformer.
    Without a transformer KServe splits the traffic. The service keeps its shadow, unless that has
    the same model, or the canary itself gets copies.

    Args:
        service: The InferenceService in service.
        candidate: InferenceService of the new model, rendered with the same options.
        percent: Share of the requests for the new model, 0 to 100.
        kserve_splits: Whether the cluster's KServe splits traffic without a transformer.
        copied_percent: Share of the requests that the canary gets copies of, as a shadow.

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
    if copied_percent or _uri(candidate) in map(_uri_of_entry, shadow_entries(shared)):
        shared = without_shadow(shared)
    predictor = _canary(shared, candidate)
    entry = {"predictor": predictor, "trafficPercent": percent}
    shared["spec"]["canary"] = [entry, *shadow_entries(shared)]
    _add_replicas(shared, predictor["minReplicas"])
    if "transformer" in shared["spec"]:
        entry["trafficPercent"] = 0
        arguments = _arguments(_FLAG, shared, predictor, percent)
        if copied_percent:
            arguments += _arguments(_SHADOW_FLAG, shared, predictor, copied_percent)
        shared["spec"]["transformer"]["containers"][0]["args"] += arguments
    return shared


def with_shadow(service: Manifest, candidate: Manifest, percent: int) -> Manifest:
    """A service with another one's predictor as its shadow, an entry of ``spec.canary`` of its own.

    The shadow has one replica. vLLM knows its model by its digest alone, so that the load of the
    service, which is counted by the service's name, is without it.

    Args:
        service: The InferenceService, with its canary if it has one, and without shadow.
        candidate: InferenceService of the shadow's model, rendered with the same options.
        percent: Share of the requests that the shadow gets copies of, 1 to 100.
    """
    shadowed = deepcopy(service)
    digest = model_of(candidate).model_digest
    predictor = _second_predictor(shadowed, candidate, shadow_name(digest), replicas=1)
    predictor["model"]["args"] = served_only_as(digest, predictor["model"]["args"])
    entry = {"predictor": predictor, "trafficPercent": 0}
    shadowed["spec"]["canary"] = [*canary_entries(shadowed), entry]
    _add_replicas(shadowed, 1)
    container = shadowed["spec"]["transformer"]["containers"][0]
    container["args"] += _arguments(_SHADOW_FLAG, shadowed, predictor, percent)
    return shadowed


def without_shadow(service: Manifest) -> Manifest:
    """The service without its shadow; a canary gets no copies any more."""
    return _without(service, shadow_entries(service), _SHADOW_FLAG)


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
    entries = canary_entries(service)
    if not entries:
        return knative
    for container in (spec.get("transformer") or {}).get("containers", ()):
        for argument in container.get("args", ()):
            if argument.startswith(_PERCENT) and argument.removeprefix(_PERCENT).isdigit():
                return int(argument.removeprefix(_PERCENT))
    return int(entries[0].get("trafficPercent", 0))


def without_share(service: Manifest) -> Manifest:
    """The service without its canary; a shadow stays."""
    alone = _without(service, canary_entries(service), _FLAG)
    if not shadow_entries(alone):
        alone = without_shadow(alone)  # the canary got the copies
    annotations = alone["metadata"].get("annotations") or {}
    for key in [key for key in annotations if key.startswith(FORMER_CANARY)]:
        del annotations[key]
    return alone


def with_canary_in_place(service: Manifest) -> Manifest:
    """The service whose predictor is its canary, with the canary's name and so its pods."""
    alone = without_share(service)
    former = alone["spec"]["predictor"]
    canary = deepcopy(canary_entries(service)[0]["predictor"])
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


def _without(service: Manifest, entries: Sequence[Manifest], flag: str) -> Manifest:
    """The service without some entries of ``spec.canary`` and the arguments about them."""
    out = deepcopy(service)
    spec = out.get("spec", {})
    kept = [entry for entry in spec.pop("canary", ()) if entry not in entries]
    if kept:
        spec["canary"] = kept
    for entry in entries:
        _add_replicas(out, -entry["predictor"].get("minReplicas", 0))
    for container in spec.get("transformer", {}).get("containers", ()):
        container["args"] = [it for it in container["args"] if not it.startswith(flag)]
    return out


def _canary(service: Manifest, candidate: Manifest) -> Manifest:
    """The candidate's predictor as the canary of a service, with its number of replicas."""
    predictor = service["spec"]["predictor"]
    name = canary_name(model_of(candidate).model_digest)
    if name == predictor.get("name"):  # a model that was promoted, rolled back, and tried again
        name += "b"
    replicas = without_shadow(service)["spec"]["predictor"].get("minReplicas", 1)
    return _second_predictor(service, candidate, name, replicas)


def _second_predictor(service: Manifest, candidate: Manifest, name: str, replicas: int) -> Manifest:
    """The candidate's predictor for an entry of ``spec.canary``.

    The name is part of the Deployment's name: after a promotion the pods keep running.
    """
    second: Manifest = deepcopy(candidate["spec"]["predictor"])
    for key in _NOT_OF_CANARIES:
        second.pop(key, None)
    second |= {
        "name": name,
        "minReplicas": replicas,
        # A canary's container needs a name; a predictor's has one by default.
        "model": {"name": _CONTAINER, **second["model"]},
    }
    if not _has_fixed_replicas(service):
        # Of a service deployed before: its canary would inherit KEDA without a metric.
        second["annotations"] = {**second.get("annotations", {}), AUTOSCALER_CLASS: "none"}
    return second


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


def _arguments(flag: str, service: Manifest, predictor: Manifest, percent: int) -> list[str]:
    """The transformer's arguments about a second model."""
    host = f"{service['metadata']['name']}-{predictor['name']}-predictor"
    return [
        f"{flag}host={host}.{service['metadata']['namespace']}",
        f"{flag}model_uri={predictor['model']['storageUri']}",
        f"{flag}percent={percent}",
    ]


def _uri(service: Manifest) -> str:
    return str((service["spec"]["predictor"].get("model") or {}).get("storageUri", ""))


def _uri_of_entry(entry: Manifest) -> str:
    return str((entry["predictor"].get("model") or {}).get("storageUri", ""))
