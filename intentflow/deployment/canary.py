"""Canaries: a new model next to the one in service, with a share of the requests, in the cluster.

KServe splits traffic in two ways: Knative mode splits between a predictor's revisions
(``canaryTrafficPercent``, silently ignored in Standard mode), Standard mode between named
predictors (``spec.canary[]``, since 0.20).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from intentflow.artifacts.deployed_model import DeployedModel
from intentflow.deployment.annotations import (
    ANNOTATION,
    CANARY,
    CANARY_REPLACES,
    deployment_mode_of,
    model_of,
)
from intentflow.deployment.ownership import Manifest, owned
from intentflow.deployment.traffic_split import share_requests, without_share
from intentflow.errors import CheckFailed, ServiceError, UsageError


def with_canary(
    live: Manifest, rendered: Manifest, percent: int, *, kserve_splits: bool = False
) -> Manifest:
    """The live service with the rendered service's model as its canary.

    Args:
        live: The InferenceService in the cluster.
        rendered: The InferenceService of the new model.
        percent: Share of the requests for the new model, 0 to 99.
        kserve_splits: Whether KServe splits traffic in Standard mode without a transformer.

    Raises:
        UsageError: The share would be ignored, or the two models cannot be served together.
    """
    mode = deployment_mode_of(live)
    _require_same_mode(live, mode, rendered)
    service = owned(live)
    if "model" not in service.get("spec", {}).get("predictor", {}):
        raise ServiceError(f"{_name(live)} was not deployed by intentflow: deploy it first")
    if mode == "Standard":
        return share_requests(service, rendered, percent, kserve_splits=kserve_splits)
    _require_one_prompt(service, rendered)
    service["spec"]["predictor"]["model"] = deepcopy(rendered["spec"]["predictor"]["model"])
    service["spec"]["predictor"]["canaryTrafficPercent"] = percent
    _annotate(service, live, rendered)
    return service


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
            f"{_name(wanted)}: this cluster's KServe would ignore the canary: its InferenceService "
            "has no spec.canary, which KServe 0.20 introduced; update it, or use Knative mode"
        )


def has_canary(service: Manifest) -> bool:
    """Whether the service has a canary."""
    spec = service.get("spec") or {}
    return bool(spec.get("canary")) or "canaryTrafficPercent" in (spec.get("predictor") or {})


def promoted(live: Manifest) -> Manifest:
    """The service with its canary's model in place of the previous one.

    In Standard mode the predictor takes the canary's name and thereby its running pods.

    Raises:
        CheckFailed: It has no canary.
    """
    service = owned(live)
    if not has_canary(service):
        raise CheckFailed(
            f"{_name(live)} in {live['metadata'].get('namespace')} has no canary: "
            "`intentflow deploy --canary PERCENT` starts one"
        )
    promoted_one = _with_its_facts(service)
    predictor = promoted_one["spec"]["predictor"]
    for canary in service["spec"].get("canary", [])[:1]:
        predictor |= {key: deepcopy(canary["predictor"][key]) for key in ("name", "model")}
        # A canary's container needs a name, which KServe does not allow in a predictor.
        predictor["model"].pop("name", None)
    predictor.pop("canaryTrafficPercent", None)
    return _with_its_transformer(promoted_one, service)


def without_canary(service: Manifest) -> Manifest | None:
    """The state to restore: the service without its canary.

    Returns:
        None if Knative mode keeps that state in its own revisions instead of the object.
    """
    if "canaryTrafficPercent" in ((service.get("spec") or {}).get("predictor") or {}):
        return None
    return without_share(service)


def keep_predictor_name(service: Manifest, live: Mapping[str, Any] | None) -> None:
    """Keep the predictor's name from a promotion; another name would restart it."""
    name = ((live or {}).get("spec") or {}).get("predictor", {}).get("name")
    if name:
        service["spec"]["predictor"].setdefault("name", name)


def _annotate(service: Manifest, live: Manifest, rendered: Manifest) -> None:
    """Record the canary's model, and the model that it would replace."""
    annotations = service["metadata"].setdefault("annotations", {})
    for key in DeployedModel.keys(CANARY):
        annotations.pop(key, None)
    annotations |= model_of(rendered).annotations(CANARY)
    annotations.setdefault(CANARY_REPLACES, live["spec"]["predictor"]["model"]["storageUri"])


def _with_its_facts(service: Manifest) -> Manifest:
    """The service with the canary's entry as its own."""
    alone = without_share(service)
    annotations = alone["metadata"].get("annotations") or {}
    for key in DeployedModel.keys(ANNOTATION):
        annotations.pop(key, None)
    annotations |= model_of(service, CANARY).annotations(ANNOTATION)
    return alone


def _with_its_transformer(promoted_one: Manifest, service: Manifest) -> Manifest:
    """The service whose transformer reads the new model's prompt and taxonomy."""
    former = (service["metadata"].get("annotations") or {}).get(CANARY_REPLACES)
    uri = promoted_one["spec"]["predictor"]["model"]["storageUri"]
    for container in promoted_one["spec"].get("transformer", {}).get("containers", ()):
        container["args"] = [it.replace(former, uri) if former else it for it in container["args"]]
    return promoted_one


def _require_same_mode(live: Manifest, mode: str, rendered: Manifest) -> None:
    requested = deployment_mode_of(rendered)
    if requested != mode:
        raise UsageError(
            f"{_name(live)} runs in KServe's {mode} mode, which would ignore a canary of "
            f"{requested} mode: give --set deployment_mode={mode}"
        )


def _require_one_prompt(service: Manifest, rendered: Manifest) -> None:
    """Refuse another prompt in Knative mode, where one transformer serves both models."""
    if not service["spec"].get("transformer"):
        return
    now, new = (model_of(item).prompt_digest for item in (service, rendered))
    if now != new:
        raise UsageError(
            f"{_name(service)}: the new model was trained with another prompt ({new[:12]}…) than "
            f"that of the transformer ({now[:12]}…): deploy it without --canary"
        )


def _name(service: Mapping[str, Any]) -> str:
    return str(service["metadata"]["name"])
