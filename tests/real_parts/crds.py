"""The CRDs that stand beside the checkout, and what an API server of 1.20 can take of them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml

from tests.real_parts.process import unavailable

_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "crds"
_NEWER_THAN_1_20 = ("description", "x-kubernetes-validations")


def load_crd(name: str) -> dict[str, Any]:
    """A CustomResourceDefinition by its file's name, such as ``serving.kserve.io_…``."""
    file = _FOLDER / f"{name}.yaml"
    if not file.is_file():
        unavailable(f"{file} is not there: the CRDs stand beside the checkout")
    return _parse(file)


@functools.cache
def _parse(file: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # 2 MB: seconds against half a minute
    return yaml.load(file.read_bytes(), loader)


def for_1_20(crd: dict[str, Any]) -> dict[str, Any]:
    """The same definition without what that server does not know; the structure stays."""
    versions = [
        {**version, "schema": {"openAPIV3Schema": _clean(version["schema"]["openAPIV3Schema"])}}
        for version in crd["spec"]["versions"]
    ]
    metadata = {"name": crd["metadata"]["name"]}
    return {**crd, "metadata": metadata, "spec": {**crd["spec"], "versions": versions}}


def _clean(schema: Any) -> Any:
    """One schema; the names of properties are never mistaken for keywords."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _NEWER_THAN_1_20 or (key == "default" and value == ""):
            continue
        if key == "properties":
            result[key] = {name: _clean(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties", "not"):
            result[key] = _clean(value)
        elif key in ("allOf", "anyOf", "oneOf"):
            result[key] = [_clean(inner) for inner in value]
        else:
            result[key] = value
    return _with_sound_map_keys(result)


def _with_sound_map_keys(schema: dict[str, Any]) -> dict[str, Any]:
    """A list-map key must be required or have a default: those that lost theirs go."""
    keys = schema.get("x-kubernetes-list-map-keys")
    if not keys:
        return schema
    items = schema["items"]
    sound = [
        key
        for key in keys
        if key in items.get("required", []) or "default" in items["properties"][key]
    ]
    if sound:
        return {**schema, "x-kubernetes-list-map-keys": sound}
    rest = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-list")}
    return {**rest, "x-kubernetes-list-type": "atomic"}
