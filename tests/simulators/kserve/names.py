"""Names and keys that KServe gives to things (constants/constants.go)."""

from __future__ import annotations

SOURCE_URI = "internal.serving.kserve.io/storage-initializer-sourceuri"
AUTOSCALER_CLASS = "serving.kserve.io/autoscalerClass"
DEPLOYMENT_MODE = "serving.kserve.io/deploymentMode"
SERVICE_LABEL = "serving.kserve.io/inferenceservice"
MODEL_FORMAT = "modelFormat"
CONTAINER = "kserve-container"
STORAGE_INITIALIZER = "storage-initializer"
# Of KServe's ConfigMap, as it was where the records were made.
INGRESS_DOMAIN = "example.com"
INGRESS_CLASS = "istio"

# constants.go:534-540
ANNOTATIONS_NOT_COPIED = (
    "autoscaling.knative.dev/min-scale",
    "autoscaling.knative.dev/max-scale",
    SOURCE_URI,
    "kubectl.kubernetes.io/last-applied-configuration",
    MODEL_FORMAT,
)


def predictor_name(service: str, predictor: str | None) -> str:
    """constants.go:799-804."""
    return f"{service}-{predictor}-predictor" if predictor else f"{service}-predictor"


def transformer_name(service: str) -> str:
    """constants.go:822-824."""
    return f"{service}-transformer"


def domain(name: str, namespace: str) -> str:
    """Host of a part: reconcilers/ingress/domain.go:42-67, with the default template.

    Raises:
        ValueError: A label of it is longer than DNS allows.
    """
    label = f"{name}-{namespace}"
    host = f"{label}.{INGRESS_DOMAIN}"
    if len(label) > 63:
        raise ValueError(
            f'failed creating host name: invalid domain name "{host}": url: Invalid value: '
            f'"{label}": must be no more than 63 characters'
        )
    return host
