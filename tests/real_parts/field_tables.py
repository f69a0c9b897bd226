"""Field tables: the fields of custom resources, without their descriptions.

A table is tab-separated text, a line a field: the object that has it (a custom resource's kind, or
the object at a path), its name, its type, whether it is required, the values of an enumeration,
the default, and what else limits it (OpenAPI's own keywords). Values are JSON. Objects with equal
fields stand there once. Types are OpenAPI's with their format, ``int-or-string``, the name of an
object after ``#``; ``[]`` before a type is a list of it, ``{}`` a map to it; ``any`` is a value of
which nothing is known.

Left out are descriptions and rules in CEL (``x-kubernetes-validations``); all else can be had back
with :func:`read_schema`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

COLUMNS = ("object", "field", "type", "required", "values", "default", "limits")
_LEFT_OUT = ("description", "x-kubernetes-validations")
_INT_OR_STRING = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}


@dataclass(frozen=True)
class Field:
    """One line of a table; ``values``, ``default`` and ``limits`` are JSON or empty."""

    owner: str
    name: str
    type: str
    required: bool
    values: str
    default: str
    limits: str

    def row(self) -> tuple[str, ...]:
        """Its cells."""
        required = "required" if self.required else ""
        head = (self.owner, self.name, self.type, required)
        return (*head, self.values, self.default, self.limits)

    @staticmethod
    def of_row(cells: Sequence[str]) -> Field:
        """The field that has these cells."""
        owner, name, type_, required, *rest = cells
        return Field(owner, name, type_, bool(required), *rest)


def write_table(schemas: dict[str, Schema]) -> str:
    """The table of some kinds' schemas."""
    table = _Table()
    for kind, schema in schemas.items():
        table.describe(schema, (kind,))
    rows = [COLUMNS, *(field.row() for field in table.fields)]
    return "".join("\t".join(row).rstrip() + "\n" for row in rows)


def read_table(text: str) -> dict[str, list[Field]]:
    """The fields of each object of a table."""
    objects: dict[str, list[Field]] = {}
    for line in text.splitlines()[1:]:
        row = line.split("\t")
        field = Field.of_row([*row, *[""] * (len(COLUMNS) - len(row))])
        objects.setdefault(field.owner, []).append(field)
    return objects


def read_schema(objects: dict[str, list[Field]], name: str) -> Schema:
    """The OpenAPI schema of an object of a table."""
    fields = objects[name]
    schema: Schema = {"type": "object", "properties": {f.name: _schema(objects, f) for f in fields}}
    if required := [field.name for field in fields if field.required]:
        schema["required"] = required
    return schema


def _schema(objects: dict[str, list[Field]], field: Field) -> Schema:
    schema = _of_type(objects, field.type)
    if field.values:
        schema["enum"] = json.loads(field.values)
    if field.default:
        schema["default"] = json.loads(field.default)
    return _with_limits(schema, json.loads(field.limits or "{}"))


def _of_type(objects: dict[str, list[Field]], type_: str) -> Schema:
    if type_.startswith("[]"):
        return {"type": "array", "items": _of_type(objects, type_[2:])}
    if type_.startswith("{}"):
        return {"type": "object", "additionalProperties": _of_type(objects, type_[2:])}
    if type_.startswith("#"):
        return read_schema(objects, type_[1:])
    if type_ == "int-or-string":
        return dict(_INT_OR_STRING)
    if type_ == "any":
        return {}
    name, _, form = type_.partition(":")
    return {"type": name, "format": form} if form else {"type": name}


def _with_limits(schema: Schema, limits: Schema) -> Schema:
    for key, value in limits.items():
        nested = key in ("items", "additionalProperties")
        schema[key] = _with_limits(schema[key], value) if nested else value
    return schema


class _Table:
    """A table that is being written; objects get the shortest end of their path as a name."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self._names: dict[str, str] = {}

    def describe(self, schema: Schema, path: tuple[str, ...]) -> tuple[str, Schema]:
        """A schema's type, and the keywords that are no part of the type."""
        rest = {key: value for key, value in schema.items() if key not in _LEFT_OUT}
        if all(rest.get(key) == value for key, value in _INT_OR_STRING.items()):
            return "int-or-string", _without(rest, *_INT_OR_STRING)
        if "properties" in rest:
            name = self._object(rest, path)
            return f"#{name}", _without(rest, "type", "properties", "required")
        for sign, key in (("[]", "items"), ("{}", "additionalProperties")):
            if isinstance(inner := rest.get(key), dict):
                type_, limits = self.describe(inner, path)
                own = _without(rest, "type", key)
                return sign + type_, {**own, key: limits} if limits else own
        if "type" not in rest:
            return "any", rest
        form = f":{rest['format']}" if "format" in rest else ""
        return rest["type"] + form, _without(rest, "type", "format")

    def _object(self, schema: Schema, path: tuple[str, ...]) -> str:
        required = schema.get("required", [])
        mark = len(self.fields)
        described = {
            name: self.describe(inner, (*path, name))
            for name, inner in schema["properties"].items()
        }
        text = json.dumps([described, sorted(required)], sort_keys=True)
        if text not in self._names:
            owner = self._names[text] = self._new_name(path)
            new = [
                _field(owner, name, type_, name in required, limits)
                for name, (type_, limits) in described.items()
            ]
            self.fields[mark:mark] = new  # before the objects that it is made of
        return self._names[text]

    def _new_name(self, path: tuple[str, ...]) -> str:
        taken = set(self._names.values())
        ends = (".".join(path[at:]) for at in reversed(range(len(path))))
        return next(name for name in ends if name not in taken)


def _field(owner: str, name: str, type_: str, required: bool, limits: Schema) -> Field:
    values, default = (_json(limits, key) for key in ("enum", "default"))
    left = _without(limits, "enum", "default")
    return Field(owner, name, type_, required, values, default, json.dumps(left) if left else "")


def _json(limits: Schema, key: str) -> str:
    return json.dumps(limits[key]) if key in limits else ""


def _without(schema: Schema, *keys: str) -> Schema:
    return {key: value for key, value in schema.items() if key not in keys}
