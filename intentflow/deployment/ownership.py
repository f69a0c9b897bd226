"""The fields of an object that one field manager owns, from server-side apply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

Manifest = dict[str, Any]

FIELD_MANAGER = "intentflow"


def owned(live: Mapping[str, Any], manager: str = FIELD_MANAGER) -> Manifest:
    """The manifest that ``manager`` applied last, with the current values of the server.

    Applying it again changes nothing, and claims no field of another manager.

    Args:
        live: An object with its ``managedFields``.
        manager: The field manager.
    """
    metadata = live["metadata"]
    identity = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    found: Manifest = {}
    for entry in metadata.get("managedFields") or ():
        if entry.get("manager") == manager and entry.get("operation") == "Apply":
            found = _extract(live, entry.get("fieldsV1") or {})
    found["metadata"] = {**found.get("metadata", {}), **identity}
    return {"apiVersion": live["apiVersion"], "kind": live["kind"], **found}


def _extract(value: Any, fields: Mapping[str, Any]) -> Any:
    """The part of a value that a set of fields (``fieldsV1``) selects."""
    if isinstance(value, Mapping) and fields:
        names = {key[2:]: inner for key, inner in fields.items() if key.startswith("f:")}
        return {name: _extract(value[name], names[name]) for name in names if name in value}
    if isinstance(value, list) and fields:
        return [part for item in value for part in _extract_item(item, fields)]
    return deepcopy(value)


def _extract_item(item: Any, fields: Mapping[str, Any]) -> list[Any]:
    """A list's item, selected by its keys (``k:{…}``) or its value (``v:…``); at most one."""
    for key, inner in fields.items():
        kind, _, text = key.partition(":")
        if kind == "v" and json.loads(text) == item:
            return [item]
        if kind == "k" and isinstance(item, Mapping) and _has(item, json.loads(text)):
            return [_extract(item, inner)]
    return []


def _has(item: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    return all(item.get(key) == value for key, value in keys.items())
