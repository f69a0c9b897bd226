"""KServe's webhooks for InferenceServices and pods: defaults and refusals."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from tests.simulators.api import Object
from tests.simulators.kserve.names import (
    AUTOSCALER_CLASS,
    CONTAINER,
    DEPLOYMENT_MODE,
    MODEL_FORMAT,
    SERVICE_LABEL,
    SOURCE_URI,
    STORAGE_INITIALIZER,
)

_CLASSES = ("hpa", "keda", "external", "none")  # constants.go: AutoscalerAllowedClassList
_MODELS, _VOLUME = "/mnt/models", "kserve-provision-location"
_FIXED = ("maxReplicas", "scaleTarget", "scaleMetric", "autoScaling")


class RefusedError(Exception):
    """What a validating webhook answers."""


def with_defaults(service: Object) -> Object:
    """apis/serving/v1beta1/inference_service_defaults.go:163-285, for a model."""
    out = deepcopy(service)
    annotations = out["metadata"].setdefault("annotations", {})
    old = {"RawDeployment": "Standard", "Serverless": "Knative"}
    mode = annotations.setdefault(DEPLOYMENT_MODE, "Standard")
    annotations[DEPLOYMENT_MODE] = old.get(mode, mode)
    model = out["spec"]["predictor"].get("model")
    if model:
        model_format = model["modelFormat"]["name"]
        if model_format in ("triton", "vLLM"):
            model.setdefault("protocolVersion", "v2")
        annotations.setdefault(MODEL_FORMAT, model_format)
    for part in ("predictor", "transformer"):  # :219-229
        if part in out["spec"]:
            out["spec"][part].setdefault("automountServiceAccountToken", False)
    return out


def validate(service: Object, former: Object | None) -> None:
    """apis/serving/v1beta1/inference_service_validation.go:83-180.

    Raises:
        RefusedError: With KServe's own words.
    """
    if former:
        _validate_change(service, former)
    if not re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", service["metadata"]["name"]):  # :469-474
        raise RefusedError(f'the InferenceService "{service["metadata"]["name"]}" is invalid')
    annotations = service["metadata"].get("annotations") or {}
    chosen = annotations.get(AUTOSCALER_CLASS)
    if chosen is not None and chosen not in _CLASSES:  # :477-491
        raise RefusedError(f"[{chosen}] is not a supported autoscaler class type")
    predictor = service["spec"]["predictor"]
    if (predictor.get("model") or {}).get("name"):  # :268-300
        raise RefusedError("the 'name' field is not allowed in standard predictor")
    for part in ("predictor", "transformer"):
        _validate_replicas(service["spec"].get(part) or {})
    _validate_canaries(service)


def _validate_change(service: Object, former: Object) -> None:
    now = (former.get("status") or {}).get("deploymentMode")
    wanted = (service["metadata"].get("annotations") or {}).get(DEPLOYMENT_MODE)
    if now and wanted and wanted != now:  # :691-701
        raise RefusedError(
            f"update rejected: deploymentMode cannot be changed from '{now}' to '{wanted}'"
        )
    before, after = (item["spec"]["predictor"] for item in (former, service))
    if before.get("name") != after.get("name") and _uri(before) == _uri(after):  # :703-713
        raise RefusedError("predictor.name change requires a model change (e.g. storageUri)")


def _uri(predictor: Object) -> str:
    return str((predictor.get("model") or {}).get("storageUri", ""))


def _validate_replicas(part: Object) -> None:
    """apis/serving/v1beta1/component.go:374-388."""
    least, most = part.get("minReplicas", 1), part.get("maxReplicas", 0)
    if least > most and most != 0:
        raise RefusedError("MinReplicas cannot be greater than MaxReplicas.")


def _validate_canaries(service: Object) -> None:
    """inference_service_validation.go:183-266."""
    canaries = service["spec"].get("canary") or []
    if not canaries:
        return
    if service["metadata"]["annotations"][DEPLOYMENT_MODE] != "Standard":
        raise RefusedError("canary is only supported in Standard deployment mode")
    stable = service["spec"]["predictor"]
    for number, canary in enumerate(canaries):
        _validate_canary(number, canary["predictor"], stable)
    total = sum(canary.get("trafficPercent", 0) for canary in canaries)
    if total > 100:
        raise RefusedError(f"sum of canary trafficPercent values ({total}) must be <= 100")


def _validate_canary(number: int, predictor: Object, stable: Object) -> None:
    name = predictor.get("name")
    if not name:
        raise RefusedError(f"canary[{number}] predictor.name is required")
    if name == stable.get("name"):
        raise RefusedError(f'canary predictor.name "{name}" conflicts with stable predictor name')
    for key in _FIXED:
        if predictor.get(key):
            raise RefusedError(f'canary "{name}" must not set {key} (canary uses fixed replicas)')
    least, of_stable = predictor.get("minReplicas"), stable.get("minReplicas", 1)
    if least is not None and least > of_stable:
        raise RefusedError(
            f'canary "{name}" minReplicas ({least}) must not exceed stable predictor minReplicas '
            f"({of_stable})"
        )


def with_storage_initializer(pod: Object) -> Object:
    """webhook/admission/pod/storage_initializer_injector.go:291-690, 716-787: the download.

    The container is that of config/storagecontainers/default.yaml. Its variables are not played:
    they are credentials of a Secret, and settings of Hugging Face's library.
    """
    metadata = pod["metadata"]
    uri = (metadata.get("annotations") or {}).get(SOURCE_URI)
    if SERVICE_LABEL not in (metadata.get("labels") or {}) or not uri:
        return pod
    out = deepcopy(pod)
    container: dict[str, Any] = {
        "name": STORAGE_INITIALIZER,
        "image": "kserve/storage-initializer:v0.20.0",
        "args": [uri, _MODELS],
        "imagePullPolicy": "IfNotPresent",
        "resources": {
            "requests": {"cpu": "100m", "memory": "100Mi"},
            "limits": {"cpu": "1", "memory": "1Gi"},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": _VOLUME, "mountPath": _MODELS}],
    }
    spec = out["spec"]
    spec.setdefault("initContainers", []).append(container)
    spec.setdefault("volumes", []).append({"name": _VOLUME, "emptyDir": {}})
    for server in spec["containers"]:
        if server["name"] == CONTAINER:
            mount = {"name": _VOLUME, "mountPath": _MODELS, "readOnly": True}
            server.setdefault("volumeMounts", []).append(mount)
    return out
