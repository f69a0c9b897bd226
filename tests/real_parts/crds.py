"""CRDs made from the field tables, and what an API server of 1.20 can take of them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml

from tests.real_parts.field_tables import Field, read_schema, read_table

_FOLDER = Path(__file__).parents[1] / "data" / "crds"


@functools.cache
def known_kinds() -> dict[tuple[str, str], dict[str, Any]]:
    """What the tables describe, by ``apiVersion`` and ``kind``: definitions without schemas."""
    specs = yaml.safe_load((_FOLDER / "kinds.yaml").read_text(encoding="utf-8"))
    return {
        (f"{spec['group']}/{version['name']}", kind): spec
        for kind, spec in specs.items()
        for version in spec["versions"]
    }


def load_schema(api_version: str, kind: str) -> dict[str, Any]:
    """The OpenAPI schema of a kind."""
    return read_schema(_table(known_kinds()[api_version, kind]["group"]), kind)


def load_crd(api_version: str, kind: str) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind."""
    spec = known_kinds()[api_version, kind]
    schema = {"openAPIV3Schema": load_schema(api_version, kind)}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{spec['names']['plural']}.{spec['group']}"},
        "spec": {
            **spec,
            "versions": [{**version, "schema": schema} for version in spec["versions"]],
        },
    }


@functools.cache
def _table(group: str) -> dict[str, list[Field]]:
    return read_table((_FOLDER / f"{group}.tsv").read_text(encoding="utf-8"))


def for_1_20(crd: dict[str, Any]) -> dict[str, Any]:
    """The same definition without what that server does not know; the structure stays."""
    versions = [
        {**version, "schema": {"openAPIV3Schema": _clean(version["schema"]["openAPIV3Schema"])}}
        for version in crd["spec"]["versions"]
    ]
    return {**crd, "spec": {**crd["spec"], "versions": versions}}


def _clean(schema: Any) -> Any:
    """One schema; the names of properties are never mistaken for keywords."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "default" and value == "":
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
