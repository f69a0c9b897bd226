"""What is used of objects of the Prometheus Operator (monitoring.coreos.com/v1), KEDA and KServe.

No field tables are derived from these CRDs: the schemas hold the fields that the manifests use,
with the types and formats that the API's reference gives. A field that is not here is refused.
"""

from __future__ import annotations

from typing import Any

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
_DURATION = {"type": "string", "pattern": "^([0-9]+(ms|[smhdwy]))+$"}


def _fields(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split()}


def _listed(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


def _kind(
    name: str, spec: dict[str, Any], api_version: str = "monitoring.coreos.com/v1"
) -> dict[str, Any]:
    return _fields(
        "apiVersion kind metadata spec",
        apiVersion={"const": api_version},
        kind={"const": name},
        metadata={"type": "object"},
        spec=spec,
    )


_RELABELING = _fields(
    "sourceLabels targetLabel",
    sourceLabels=_listed({"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"}),
    targetLabel=_TEXT,
    regex=_TEXT,
    replacement=_TEXT,
    action={"enum": ["replace", "keep", "drop", "labelmap", "labeldrop", "labelkeep"]},
)
_ENDPOINT = _fields(
    "port",
    port=_TEXT,
    path={"type": "string", "pattern": "^/"},
    interval=_DURATION,
    scheme={"enum": ["http", "https"]},
    relabelings=_listed(_RELABELING),
)
POD_MONITOR = _kind(
    "PodMonitor",
    _fields(
        "selector podMetricsEndpoints",
        selector=_fields("matchLabels", matchLabels=_TEXTS),
        podMetricsEndpoints=_listed(_ENDPOINT),
    ),
)
_RULE = {
    **_fields("expr", expr=_TEXT, labels=_TEXTS, annotations=_TEXTS),
    "required": ["alert", "expr", "for", "labels", "annotations"],
}
_RULE["properties"] |= {"alert": _TEXT, "for": _DURATION}
_GROUP = _fields("name rules", name=_TEXT, interval=_DURATION, rules=_listed(_RULE))
PROMETHEUS_RULE = _kind("PrometheusRule", _fields("groups", groups=_listed(_GROUP)))
_NUMBER = {"type": "string", "pattern": "^[0-9.]+$"}
_TRIGGER = _fields(
    "type metricType metadata",
    type={"enum": ["prometheus", "cpu"]},
    metricType={"enum": ["AverageValue", "Value", "Utilization"]},
    metadata=_fields(
        "",
        serverAddress={"type": "string", "pattern": "^https?://"},
        query=_TEXT,
        threshold=_NUMBER,
        value=_NUMBER,
    ),
)
_BEHAVIOUR = _fields("", scaleDown=_fields("", stabilizationWindowSeconds={"type": "integer"}))
SCALED_OBJECT = _kind(
    "ScaledObject",
    _fields(
        "scaleTargetRef minReplicaCount maxReplicaCount triggers",
        scaleTargetRef=_fields("name", name=_TEXT),
        minReplicaCount={"type": "integer", "minimum": 1},
        maxReplicaCount={"type": "integer", "minimum": 1},
        advanced=_fields("", horizontalPodAutoscalerConfig=_fields("", behavior=_BEHAVIOUR)),
        triggers=_listed(_TRIGGER),
    ),
    "keda.sh/v1alpha1",
)
_RESOURCES = {"type": "object", "additionalProperties": _TEXT}
# config/crd/full/clusterstoragecontainer of KServe v0.20.0.
CLUSTER_STORAGE_CONTAINER = _kind(
    "ClusterStorageContainer",
    _fields(
        "container supportedUriFormats",
        container=_fields(
            "name image",
            name=_TEXT,
            image=_TEXT,
            imagePullPolicy={"enum": ["Always", "IfNotPresent", "Never"]},
            terminationMessagePolicy={"enum": ["File", "FallbackToLogsOnError"]},
            securityContext=_fields(
                "",
                allowPrivilegeEscalation={"type": "boolean"},
                privileged={"type": "boolean"},
                runAsNonRoot={"type": "boolean"},
                capabilities=_fields("", drop=_listed(_TEXT)),
            ),
            resources=_fields("", requests=_RESOURCES, limits=_RESOURCES),
        ),
        supportedUriFormats=_listed(_fields("", prefix=_TEXT, regex=_TEXT)),
        workloadType={"enum": ["initContainer", "localModelDownloadJob"]},
        supportsMultiModelDownload={"type": "boolean"},
    ),
    "serving.kserve.io/v1alpha1",
)
