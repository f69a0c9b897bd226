"""A check that no field is one the CRD does not know: the API server only drops those."""

from __future__ import annotations

import functools
from typing import Any

from jsonschema import Draft202012Validator

from tests.real_parts.crds import known_kinds, load_schema
from tests.real_parts.operator_schemas import (
    CLUSTER_STORAGE_CONTAINER,
    POD_MONITOR,
    PROMETHEUS_RULE,
    SCALED_OBJECT,
)

_WRITTEN = {
    ("monitoring.coreos.com/v1", "PodMonitor"): POD_MONITOR,
    ("monitoring.coreos.com/v1", "PrometheusRule"): PROMETHEUS_RULE,
    ("keda.sh/v1alpha1", "ScaledObject"): SCALED_OBJECT,
    ("serving.kserve.io/v1alpha1", "ClusterStorageContainer"): CLUSTER_STORAGE_CONTAINER,
}


def is_custom(manifest: dict[str, Any]) -> bool:
    """Whether a CRD describes this object."""
    return (manifest["apiVersion"], manifest["kind"]) in {**known_kinds(), **_WRITTEN}


def violations(manifest: dict[str, Any]) -> list[str]:
    """What the CRD's schema, closed to unknown fields, has against an object."""
    validator = _validator(manifest["apiVersion"], manifest["kind"])
    errors = validator.iter_errors(manifest)
    return [f"{error.json_path}: {error.message}" for error in errors]


@functools.cache
def _validator(api_version: str, kind: str) -> Draft202012Validator:
    if (api_version, kind) in _WRITTEN:
        return Draft202012Validator(closed(_WRITTEN[api_version, kind]))
    return Draft202012Validator(closed(load_schema(api_version, kind)))


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of an OpenAPI v3 one, with every described object closed.

    An object stays open where the CRD asks for it (``x-kubernetes-preserve-unknown-fields``), where
    it describes a map, and where it describes nothing (metadata, which the server knows itself).
    """
    result = {key: value for key, value in schema.items() if not key.startswith("x-")}
    if "properties" in schema:
        result["properties"] = {name: closed(it) for name, it in schema["properties"].items()}
        keeps = schema.get("x-kubernetes-preserve-unknown-fields")
        if not keeps and "additionalProperties" not in schema:
            result["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            result[key] = closed(schema[key])
    if schema.get("nullable") and "type" in result:
        result["type"] = [result["type"], "null"]
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
    result.pop("format", None)
    return result
