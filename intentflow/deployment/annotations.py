"""Keys of labels and annotations: KServe's and the project's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intentflow.artifacts.deployed_model import DeployedModel
from intentflow.deployment.canary_entries import canary_entries
from intentflow.storage.uris import digest_in_name

ANNOTATION = "intentflow.dev/"
API_KEY_SECRET = ANNOTATION + "api-key-secret"
# Of earlier releases, which stated both models on the service.
FORMER_CANARY = ANNOTATION + "canary-"
_FORMER_REPLACES = FORMER_CANARY + "replaces"

DEPLOYMENT_MODE = "serving.kserve.io/deploymentMode"
AUTOSCALER_CLASS = "serving.kserve.io/autoscalerClass"
# KServe sets it in the pod template of a predictor: the location of its model.
SOURCE_URI = "internal.serving.kserve.io/storage-initializer-sourceuri"
_OLD_MODES = {"RawDeployment": "Standard", "Serverless": "Knative"}
# KServe sets these two on the pods.
SERVICE_LABEL = "serving.kserve.io/inferenceservice"
COMPONENT_LABEL = "component"
# KServe sets it on a service whose model is in a LocalModelCache.
LOCAL_MODEL_LABEL = "internal.serving.kserve.io/localmodel"
_MODEL_URI = "--model_uri="


def model_of(service: Mapping[str, Any]) -> DeployedModel:
    """The entry about the model in service of an InferenceService.

    It is among the predictor's own annotations, because KServe copies those of the service into
    every pod template, the canary's included. Services that an earlier release deployed state it
    on the service. In Knative mode the predictor is already the canary's, and what is known of the
    model in service is the digest that the transformer's argument states.
    """
    former = DeployedModel.read(_of_service(service), ANNOTATION)
    if former.model_digest:
        return former
    if not _has_revision_canary(service):
        return _entry(_predictor(service)) or former
    digests = map(digest_in_name, _transformer_uris(service))
    return DeployedModel(model_digest=next(filter(None, digests), ""))


def model_uris(service: Mapping[str, Any]) -> list[str]:
    """The models that predictor and transformer of an InferenceService load."""
    predictor = _predictor(service)
    single = (predictor.get("model") or {}).get("storageUri")
    several = [item["uri"] for item in predictor.get("storageUris") or ()]
    return [*([single] if single else several), *_transformer_uris(service)]


def canary_of(service: Mapping[str, Any]) -> DeployedModel | None:
    """The entry about the model of an InferenceService's canary; None without one."""
    predictors = [entry["predictor"] for entry in canary_entries(service)]
    if _has_revision_canary(service):
        predictors = [_predictor(service)]
    former = DeployedModel.read(_of_service(service), FORMER_CANARY)
    return next((_entry(predictor) or former for predictor in predictors), None)


def without_former_entries(annotations: Mapping[str, str]) -> dict[str, str]:
    """Annotations of a service without what an earlier release stated there of its models."""
    former = {*DeployedModel.keys(ANNOTATION), *DeployedModel.keys(FORMER_CANARY), _FORMER_REPLACES}
    return {key: value for key, value in annotations.items() if key not in former}


def deployment_mode_of(service: Mapping[str, Any]) -> str:
    """KServe's deployment mode: that of the status, if there is one, otherwise the annotation."""
    annotations = _of_service(service)
    status = service.get("status") or {}
    mode = status.get("deploymentMode") or annotations.get(DEPLOYMENT_MODE) or "Knative"
    return _OLD_MODES.get(str(mode), str(mode))


def _entry(predictor: Mapping[str, Any]) -> DeployedModel | None:
    """The entry among a predictor's annotations; None if it states nothing of a model."""
    annotations = predictor.get("annotations") or {}
    stated = any(key in annotations for key in DeployedModel.keys(ANNOTATION))
    return DeployedModel.read(annotations, ANNOTATION) if stated else None


def _transformer_uris(service: Mapping[str, Any]) -> list[str]:
    return [
        argument.removeprefix(_MODEL_URI)
        for container in (service["spec"].get("transformer") or {}).get("containers", ())
        for argument in container.get("args") or ()
        if argument.startswith(_MODEL_URI)
    ]


def _predictor(service: Mapping[str, Any]) -> Mapping[str, Any]:
    predictor: Mapping[str, Any] = (service.get("spec") or {}).get("predictor") or {}
    return predictor


def _has_revision_canary(service: Mapping[str, Any]) -> bool:
    return "canaryTrafficPercent" in _predictor(service)


def _of_service(service: Mapping[str, Any]) -> Mapping[str, object]:
    return service["metadata"].get("annotations") or {}
