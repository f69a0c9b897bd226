"""The Deployments, Services and autoscalers that KServe makes of an InferenceService."""

from __future__ import annotations

from copy import deepcopy
from math import ceil
from typing import Any

from tests.simulators.api import Object
from tests.simulators.kserve.names import (
    ANNOTATIONS_NOT_COPIED,
    AUTOSCALER_CLASS,
    CONTAINER,
    SERVICE_LABEL,
    SOURCE_URI,
    STORAGE_INITIALIZER,
    predictor_name,
    transformer_name,
)

# Fields of a predictor or transformer that are not a pod's (ComponentExtensionSpec and the model).
_NOT_OF_PODS = {
    *("minReplicas", "maxReplicas", "scaleTarget", "scaleMetric", "autoScaling", "timeout"),
    *("containerConcurrency", "canaryTrafficPercent", "logger", "batcher", "labels"),
    *("annotations", "deploymentStrategy", "model", "name", "workerSpec", "storageUris"),
}
_STRATEGY = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}


def predictor_deployment(service: Object, runtime: Object) -> Object:
    """components/predictor.go:99-181, 498-519, 767-840."""
    predictor = deepcopy(service["spec"]["predictor"])
    canaries = service["spec"].get("canary") or []
    if canaries and "minReplicas" in predictor:  # :795-803
        taken = sum(canary_replicas(service, canary) for canary in canaries)
        predictor["minReplicas"] = max(predictor["minReplicas"] - taken, 1)
    return _of_predictor(service, predictor, runtime)


def canary_deployment(service: Object, canary: Object, runtime: Object) -> Object:
    """components/predictor.go:897-957: the stable predictor, and over it the canary's fields."""
    predictor = _merged(service["spec"]["predictor"], canary["predictor"])
    for key in ("maxReplicas", "scaleTarget", "scaleMetric", "autoScaling"):
        predictor.pop(key, None)
    predictor["minReplicas"] = canary_replicas(service, canary)
    # :937-938: the strategy of the predictor is not handed on.
    predictor.pop("deploymentStrategy", None)
    return _of_predictor(service, predictor, runtime)


def canary_replicas(service: Object, canary: Object) -> int:
    """components/predictor.go:886-895."""
    least = canary["predictor"].get("minReplicas")
    if least is not None:
        return int(least)
    of_stable = service["spec"]["predictor"].get("minReplicas", 1)
    percent = int(canary.get("trafficPercent", 0))
    return ceil(int(of_stable) * percent / 100)


def transformer_deployment(service: Object) -> Object:
    """components/transformer.go:72-166; arguments: transformer_custom.go:74-117."""
    metadata = service["metadata"]
    part = deepcopy(service["spec"]["transformer"])
    pod = {key: value for key, value in part.items() if key not in _NOT_OF_PODS}
    container = pod["containers"][0]
    host = predictor_name(metadata["name"], service["spec"]["predictor"].get("name"))
    ours = {
        "--model_name": metadata["name"],
        "--predictor_host": f"{host}.{metadata['namespace']}",
        "--http_port": "8080",
    }
    arguments = container.setdefault("args", [])
    for flag, value in ours.items():
        if not any(argument.split("=")[0] == flag for argument in arguments):
            arguments += [flag, value]
    annotations = _copied(metadata.get("annotations")) | (part.get("annotations") or {})
    labels = (metadata.get("labels") or {}) | (part.get("labels") or {})
    name = transformer_name(metadata["name"])
    return _deployment(service, name, "transformer", part, pod, annotations, labels)


def k8s_service(deployment: Object) -> Object:
    """reconcilers/service/service_reconciler.go:104-191."""
    metadata = deployment["metadata"]
    ports = deployment["spec"]["template"]["spec"]["containers"][0].get("ports") or [
        {"name": metadata["name"], "containerPort": 8080}
    ]
    listed = [
        {
            "name": port["name"],
            "port": port["containerPort"] if number else 80,
            "targetPort": port["containerPort"],
            "protocol": port.get("protocol", "TCP"),
        }
        for number, port in enumerate(ports)
    ]
    spec = {"selector": {"app": metadata["labels"]["app"]}, "ports": listed}
    return {"apiVersion": "v1", "kind": "Service", "metadata": deepcopy(metadata), "spec": spec}


def autoscaler(deployment: Object, part: Object) -> Object:
    """reconcilers/hpa/hpa_reconciler.go:105-183: on 80 % of the CPU, asked for or not."""
    metadata = deployment["metadata"]
    least = max(part.get("minReplicas", 1), 1)
    target = {"type": "Utilization", "averageUtilization": 80}
    return {
        "apiVersion": "autoscaling/v2beta2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": deepcopy(metadata),
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": metadata["name"],
            },
            "minReplicas": least,
            "maxReplicas": max(part.get("maxReplicas", 0), least),
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def autoscaler_class(deployment: Object) -> str:
    """reconcilers/autoscaler/autoscaler_reconciler.go:77-84."""
    return str(deployment["metadata"]["annotations"].get(AUTOSCALER_CLASS, "hpa"))


def owner(service: Object) -> Object:
    """The reference to a service of what KServe makes of it."""
    metadata = service["metadata"]
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "name": metadata["name"],
        "uid": metadata.get("uid", ""),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _of_predictor(service: Object, predictor: Object, runtime: Object) -> Object:
    metadata, model = service["metadata"], predictor["model"]
    annotations = dict(runtime["spec"].get("annotations") or {})
    annotations |= _copied(metadata.get("annotations"))
    if model.get("storageUri"):
        annotations[SOURCE_URI] = model["storageUri"]  # components/predictor.go:294-309
    annotations |= predictor.get("annotations") or {}
    labels = dict(runtime["spec"].get("labels") or {})
    labels |= (metadata.get("labels") or {}) | (predictor.get("labels") or {})
    pod = _merged_pod(runtime["spec"], predictor, model)
    name = predictor_name(metadata["name"], predictor.get("name"))
    return _deployment(service, name, "predictor", predictor, pod, annotations, labels)


def _deployment(
    service: Object,
    name: str,
    component: str,
    part: Object,
    pod: Object,
    annotations: dict[str, str],
    labels: dict[str, str],
) -> Object:
    """reconcilers/deployment/deployment_reconciler.go:140-175."""
    _name_the_service(pod, service["metadata"]["name"])
    app = f"isvc.{name}"
    labels = {
        **labels,
        SERVICE_LABEL: service["metadata"]["name"],
        "component": component,
        "app": app,
    }
    metadata = {
        "name": name,
        "namespace": service["metadata"]["namespace"],
        "labels": labels,
        "annotations": annotations,
    }
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": app}},
        "template": {"metadata": deepcopy(metadata), "spec": pod},
        "strategy": part.get("deploymentStrategy") or _STRATEGY,
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 10,
    }
    if annotations.get(AUTOSCALER_CLASS) == "none" and "minReplicas" in part:  # :170-172
        spec["replicas"] = part["minReplicas"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata, "ownerReferences": [owner(service)]},
        "spec": spec,
    }


def _copied(annotations: dict[str, str] | None) -> dict[str, str]:
    return {
        key: value
        for key, value in (annotations or {}).items()
        if key not in ANNOTATIONS_NOT_COPIED
    }


def _merged_pod(runtime: Object, predictor: Object, model: Object) -> Object:
    """controller/v1beta1/inferenceservice/utils/utils.go:485-517."""
    base = next(item for item in runtime["containers"] if item["name"] == CONTAINER)
    of_model = {key: model[key] for key in ("args", "env", "resources", "image") if key in model}
    container = _merged(base, {k: v for k, v in of_model.items() if k not in ("args", "env")})
    # The arguments of the runtime, then those of the model; variables by their names.
    container["args"] = base.get("args", []) + of_model.get("args", [])
    variables = {item["name"]: item for item in base.get("env", []) + of_model.get("env", [])}
    container["env"] = list(variables.values())
    container["name"] = CONTAINER
    kept = ("volumes", "nodeSelector", "affinity", "tolerations", "imagePullSecrets")
    pod = {key: deepcopy(runtime[key]) for key in kept if key in runtime}
    of_predictor = {key: value for key, value in predictor.items() if key not in _NOT_OF_PODS}
    pod = _merged(pod, of_predictor)
    if predictor.get("storageUris"):  # reconcilers/raw/raw_kube_reconciler.go:126-146
        places = [part for item in predictor["storageUris"] for part in item.values()]
        pod["initContainers"] = [
            {"name": STORAGE_INITIALIZER, "image": "kserve/storage-initializer", "args": places}
        ]
    return {**pod, "containers": [container]}


def _name_the_service(pod: Object, name: str) -> None:
    """components/predictor.go:149-157, components/transformer.go:161-166."""
    for container in pod["containers"]:
        container.setdefault("env", [])
        container["env"] = [*container["env"], {"name": "INFERENCE_SERVICE_NAME", "value": name}]


def _merged(base: Object, over: Object) -> Object:
    """Mappings field by field; of anything else the second one, unless it is empty."""
    out = deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = _merged(out[key], value)
        elif value not in (None, "", [], {}):
            out[key] = deepcopy(value)
    return out
