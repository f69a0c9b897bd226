"""Keys of labels and annotations: KServe's and the project's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intentflow.artifacts.deployed_model import DeployedModel

ANNOTATION = "intentflow.dev/"
CANARY = ANNOTATION + "canary-"
CANARY_REPLACES = CANARY + "replaces"
API_KEY_SECRET = ANNOTATION + "api-key-secret"

DEPLOYMENT_MODE = "serving.kserve.io/deploymentMode"
AUTOSCALER_CLASS = "serving.kserve.io/autoscalerClass"
# KServe sets it in the pod template of a predictor: the location of its model.
SOURCE_URI = "internal.serving.kserve.io/storage-initializer-sourceuri"
_OLD_MODES = {"RawDeployment": "Standard", "Serverless": "Knative"}
# KServe sets these two on the pods.
SERVICE_LABEL = "serving.kserve.io/inferenceservice"
COMPONENT_LABEL = "component"


def model_of(service: Mapping[str, Any], prefix: str = ANNOTATION) -> DeployedModel:
    """The entry about its model in an InferenceService, or with ``CANARY`` about its canary's."""
    return DeployedModel.read(service["metadata"].get("annotations"), prefix)


def deployment_mode_of(service: Mapping[str, Any]) -> str:
    """KServe's deployment mode: that of the status, if there is one, otherwise the annotation."""
    annotations = service["metadata"].get("annotations") or {}
    status = service.get("status") or {}
    mode = status.get("deploymentMode") or annotations.get(DEPLOYMENT_MODE) or "Knative"
    return _OLD_MODES.get(mode, mode)
