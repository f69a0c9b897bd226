"""A change of a running service's model: next to the one in service, then in its place.

The new model starts as a canary without requests, whose pod template is the one that it will have
as the predictor. When it answers, the transformer sends all requests to it, and one update gives
the predictor the canary's name: no pod restarts, the model is loaded once, and no request is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from intentflow.deployment.addresses import host_fault
from intentflow.deployment.annotations import LOCAL_MODEL_LABEL, deployment_mode_of, model_of
from intentflow.deployment.arguments import served_names
from intentflow.deployment.autoscaling import follow_predictor, for_canary
from intentflow.deployment.canary_entries import canary_entries
from intentflow.deployment.kustomize import Manifest
from intentflow.deployment.ownership import owned
from intentflow.deployment.traffic_split import (
    requests_shared,
    share_requests,
    with_all_requests,
    with_transformer_of,
    without_shadow,
)

log = logging.getLogger(__name__)

_SERVICE = "InferenceService"
_STRATEGY = "Recreate"


@dataclass(frozen=True)
class Stage:
    """Objects that are applied together, and then waited for.

    Attributes:
        objects: The objects, in the order to apply them.
        title: Purpose of the stage, for the log; empty where the objects state it.
        is_tested: Whether the service is tested after the stage.
    """

    objects: Sequence[Manifest]
    title: str = ""
    is_tested: bool = False


def changes_model(live: Mapping[str, Any], objects: Sequence[Manifest]) -> bool:
    """Whether a service has another model among the objects than in the cluster."""
    return _locations(live) != _locations(service_of(objects))


def in_place_reason(live: Mapping[str, Any], objects: Sequence[Manifest]) -> str | None:
    """The reason why the model has to change in place; None if it can start next to the other.

    Args:
        live: The InferenceService in the cluster.
        objects: The service's objects with the new model.
    """
    service = service_of(objects)
    both = (live, service)
    metadata = live["metadata"]
    if any(deployment_mode_of(item) != "Standard" for item in both):
        return "Knative replaces a revision when the next one is ready"
    if any("storageUris" in item["spec"]["predictor"] for item in both):
        return "KServe does not load LoRA adapters for a second predictor"
    if any("transformer" not in item["spec"] for item in both):
        return "there is no transformer to lead the requests over"
    if _is_cached(live) or any(item["kind"] == "LocalModelCache" for item in objects):
        return "KServe would give a second predictor the cached model of the first"
    strategies = [item["spec"]["predictor"].get("deploymentStrategy") or {} for item in both]
    if any(strategy.get("type") == _STRATEGY for strategy in strategies):
        return f"deployment_strategy: {_STRATEGY}"
    if not all(_answers_to_its_digest(item) for item in both):
        return "vLLM does not know one of the models by its digest"
    return host_fault(metadata["name"], metadata["namespace"], transformer=True, canary=True)


def stages(live: Mapping[str, Any], objects: Sequence[Manifest]) -> list[Stage]:
    """The stages of a change of the model: next to the one in service, then in its place.

    Everything else of the new state is applied with the first stage, so that what fails there
    has cost the model in service nothing. A shadow comes last, when the former model is gone.

    Args:
        live: The InferenceService in the cluster.
        objects: The service's objects with the new model.
    """
    service = service_of(objects)
    alone = without_shadow(service)
    now = without_shadow(owned(live))
    transformer = deepcopy(alone["spec"]["transformer"])
    now["spec"]["transformer"] = transformer
    now = with_transformer_of(now, _uri(live))
    dark = share_requests(now, alone, _present_share(live, service))
    canary = dark["spec"]["canary"][0]["predictor"]["name"]
    over = deepcopy(service)
    over["spec"]["predictor"]["name"] = canary
    others = [item for item in objects if item is not service]
    scaled = for_canary(others, dark)
    follow_predictor([*others, dark])
    return [
        Stage([*others, dark, *scaled], "the new model starts without requests", is_tested=True),
        Stage([with_all_requests(dark)], "the new model gets all requests"),
        Stage([over], "the new model replaces the former one"),
    ]


def stages_to(live: Mapping[str, Any] | None, objects: Sequence[Manifest]) -> list[Stage]:
    """The stages to a new state: one, unless the model changes and can start next to the other.

    Args:
        live: The InferenceService in the cluster; None before the first deployment.
        objects: The service's objects in the new state.
    """
    if live is None or not changes_model(live, objects):
        return in_place(live, objects)
    reason = in_place_reason(live, objects)
    if reason is None:
        return stages(live, objects)
    log.warning(
        "%s: the model changes in place (%s): until new pods have replaced the former ones, "
        "requests can be refused (503), or answered by the former model",
        live["metadata"]["name"],
        reason,
    )
    return in_place(live, objects)


def in_place(live: Mapping[str, Any] | None, objects: Sequence[Manifest]) -> list[Stage]:
    """The one stage of a change in place, or of a first deployment.

    The predictor keeps the name of a promotion; another name would restart it.
    """
    service = service_of(objects)
    name = ((live or {}).get("spec") or {}).get("predictor", {}).get("name")
    if name:
        service["spec"]["predictor"]["name"] = name
    follow_predictor(objects)
    return [Stage(objects, is_tested=True)]


def service_of(objects: Sequence[Manifest]) -> Manifest:
    """The InferenceService among the objects."""
    return next(item for item in objects if item["kind"] == _SERVICE)


def _present_share(live: Mapping[str, Any], service: Manifest) -> int:
    """The share that the model has already as a canary."""
    predictors = [entry["predictor"] for entry in canary_entries(live)]
    uris = [(predictor.get("model") or {}).get("storageUri") for predictor in predictors]
    return (requests_shared(live) or 0) if _uri(service) in uris else 0


def _answers_to_its_digest(service: Mapping[str, Any]) -> bool:
    names = served_names((service["spec"]["predictor"].get("model") or {}).get("args") or ())
    return bool(model_of(service).model_digest) and model_of(service).model_digest in names


def _is_cached(service: Mapping[str, Any]) -> bool:
    """Whether the model in service comes from a LocalModelCache."""
    return LOCAL_MODEL_LABEL in (service["metadata"].get("labels") or {})


def _locations(service: Mapping[str, Any]) -> list[str]:
    """Locations of the model and of its adapters."""
    predictor = service["spec"].get("predictor") or {}
    return [_uri(service), *(item["uri"] for item in predictor.get("storageUris") or ())]


def _uri(service: Mapping[str, Any]) -> str:
    model = (service["spec"].get("predictor") or {}).get("model") or {}
    return str(model.get("storageUri", ""))
