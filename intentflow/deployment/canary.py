"""Canaries: a new model next to the one in service, with a share of the requests, in the cluster.

KServe splits traffic in two ways: Knative mode splits between a predictor's revisions
(``canaryTrafficPercent``, silently ignored in Standard mode), Standard mode between named
predictors (``spec.canary[]``, since 0.20).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from intentflow.deployment.annotations import (
    canary_of,
    deployment_mode_of,
    model_of,
    without_former_entries,
)
from intentflow.deployment.autoscaling import follow_predictor, for_canary, of_predictor
from intentflow.deployment.canary_entries import canary_entries
from intentflow.deployment.model_change import Stage, in_place_reason, service_of
from intentflow.deployment.ownership import Manifest, owned
from intentflow.deployment.traffic_split import (
    share_requests,
    with_all_requests,
    with_canary_in_place,
    with_transformer_of,
    without_share,
)
from intentflow.errors import CheckFailed, ServiceError, UsageError


def canary_stages(
    live: Manifest,
    objects: Sequence[Manifest],
    percent: int,
    *,
    kserve_splits: bool = False,
    copied_percent: int = 0,
) -> list[Stage]:
    """The stages in which a service gets a canary: without requests, then with its share.

    Args:
        live: The InferenceService in the cluster.
        objects: The service's objects with the new model.
        percent: Share of the requests for the new model, 0 to 99.
        kserve_splits: Whether KServe splits traffic in Standard mode without a transformer.
        copied_percent: Share of the requests that the canary gets copies of, as a shadow.

    Raises:
        UsageError: The share would be ignored, or the two models cannot be served together.
    """
    mode, rendered = deployment_mode_of(live), service_of(objects)
    _require_same_mode(live, mode, rendered)
    service = owned(live)
    if "model" not in service.get("spec", {}).get("predictor", {}):
        raise ServiceError(f"{_name(live)} was not deployed by intentflow: deploy it first")
    if mode == "Standard":
        shared = share_requests(
            service,
            rendered,
            percent,
            kserve_splits=kserve_splits,
            copied_percent=copied_percent,
        )
        follow_predictor([*objects, shared])
        scaled = [*of_predictor(objects), *for_canary(objects, shared)]
        if not percent or "transformer" not in service["spec"] or _is_same_canary(live, shared):
            return [Stage([shared, *scaled], is_tested=True)]
        dark = share_requests(service, rendered, 0)
        return [
            Stage([dark, *scaled], "the canary starts without requests", is_tested=True),
            Stage([shared], f"the canary gets {percent} % of the requests"),
        ]
    _require_one_interface(live, rendered)
    predictor = rendered["spec"]["predictor"]
    service["spec"]["predictor"] |= {
        "model": deepcopy(predictor["model"]),
        "annotations": deepcopy(predictor["annotations"]),
        "canaryTrafficPercent": percent,
    }
    return [Stage([service], is_tested=True)]


def require_kept(wanted: Manifest, planned: Mapping[str, Any]) -> None:
    """Check that the cluster's KServe supports canaries.

    Args:
        wanted: The object to apply.
        planned: The server's answer to the dry run, without fields that its CRD lacks.

    Raises:
        ServiceError: KServe is too old.
    """
    if wanted["spec"].get("canary") and not planned["spec"].get("canary"):
        raise ServiceError(
            f"{_name(wanted)}: this cluster's KServe would ignore a canary, as which each new "
            "model starts: its InferenceService has no spec.canary, which KServe 0.20 introduced; "
            "update it, or use Knative mode"
        )


def trial(objects: Sequence[Manifest]) -> Manifest | None:
    """The service with itself as its canary, to try before the first deployment.

    Args:
        objects: The rendered objects of the service.

    Returns:
        None if the next model would not start as a canary.
    """
    service = service_of(objects)
    if in_place_reason(service, objects):
        return None
    return share_requests(service, service, 0)


def has_canary(service: Manifest) -> bool:
    """Whether the service has a canary."""
    spec = service.get("spec") or {}
    return bool(canary_entries(service)) or "canaryTrafficPercent" in (spec.get("predictor") or {})


def promotion(live: Manifest) -> list[Stage]:
    """The stages in which the canary's model replaces the previous one.

    In Standard mode the transformer sends all requests to the canary first; then the predictor
    takes the canary's name and thereby its running pods.

    Raises:
        CheckFailed: The service has no canary.
    """
    service = owned(live)
    if not has_canary(service):
        raise CheckFailed(
            f"{_name(live)} in {live['metadata'].get('namespace')} has no canary: "
            "`intentflow deploy --canary PERCENT` starts one"
        )
    if canary_entries(service):
        replaced = Stage([with_canary_in_place(service)], "the canary replaces the former model")
        if "transformer" not in service["spec"]:
            return [replaced]
        return [Stage([with_all_requests(service)], "the canary gets all requests"), replaced]
    predictor = service["spec"]["predictor"]
    del predictor["canaryTrafficPercent"]
    metadata = service["metadata"]
    metadata["annotations"] = without_former_entries(metadata.get("annotations") or {})
    return [Stage([with_transformer_of(service, predictor["model"]["storageUri"])])]


def without_canary(service: Manifest) -> Manifest | None:
    """The state to restore: the service without its canary.

    Returns:
        None if Knative mode keeps that state in its own revisions instead of the object.
    """
    if "canaryTrafficPercent" in ((service.get("spec") or {}).get("predictor") or {}):
        return None
    return without_share(service)


def _is_same_canary(live: Manifest, shared: Manifest) -> bool:
    """Whether the service has this canary already, so that its share alone changes."""
    models = [
        [entry["predictor"]["model"]["storageUri"] for entry in canary_entries(item)]
        for item in (live, shared)
    ]
    return models[0] == models[1]


def _require_same_mode(live: Manifest, mode: str, rendered: Manifest) -> None:
    requested = deployment_mode_of(rendered)
    if requested != mode:
        raise UsageError(
            f"{_name(live)} runs in KServe's {mode} mode, which would ignore a canary of "
            f"{requested} mode: give --set deployment_mode={mode}"
        )


def _require_one_interface(live: Manifest, rendered: Manifest) -> None:
    """Refuse another interface in Knative mode, where one transformer serves both models."""
    if not live["spec"].get("transformer"):
        return
    now = (canary_of(live) or model_of(live)).interface_digest
    new = model_of(rendered).interface_digest
    if now != new:
        raise UsageError(
            f"{_name(live)}: in Knative mode a canary needs the prompt, taxonomy and calibration "
            f"of the model in service, and their digest differs ({new[:12]}…, not "
            f"{now[:12] or 'unknown'}…): deploy it without --canary"
        )


def _name(service: Mapping[str, Any]) -> str:
    return str(service["metadata"]["name"])
