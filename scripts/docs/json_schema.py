"""JSON Schemas as Markdown: a table of keys for each object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_HEAD = "| key | value | default | meaning |\n|---|---|---|---|"
_MAX_DEFAULT = 60  # characters; longer ones are those of an object that is described itself
_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}


def schema_sections(schema: Schema, elsewhere: Mapping[str, str], level: int = 2) -> str:
    """The keys of a schema and of the objects in it.

    Args:
        schema: A JSON Schema of an object, with ``$defs`` where it refers to others.
        elsewhere: Title of an object that has a page of its own: the link to it.
        level: Level of the headings of the objects in it.

    Returns:
        Markdown without a heading for the schema itself.
    """
    definitions = schema.get("$defs", {})
    parts = list(_object(schema, definitions, elsewhere))
    for name, inner in _reached(schema, elsewhere).items():
        if inner.get("properties") or inner.get("enum"):
            parts += [f"{'#' * level} {name}", "", *_object(inner, definitions, elsewhere)]
    return "\n".join(parts)


def _reached(schema: Schema, elsewhere: Mapping[str, str]) -> dict[str, Schema]:
    """Objects that a schema's own keys lead to, in their order; not through other pages."""
    definitions = schema.get("$defs", {})
    found: dict[str, Schema] = {}
    waiting = [{key: value for key, value in schema.items() if key != "$defs"}]
    while waiting:
        names = _references(waiting.pop(0))
        new = [it for it in names if it in definitions and it not in elsewhere and it not in found]
        found |= {name: definitions[name] for name in new}
        waiting += [definitions[name] for name in new]
    return found


def _references(value: object) -> list[str]:
    if isinstance(value, Mapping):
        own = [str(value["$ref"]).rpartition("/")[2]] if "$ref" in value else []
        return own + [name for inner in value.values() for name in _references(inner)]
    if isinstance(value, list):
        return [name for inner in value for name in _references(inner)]
    return []


def _object(
    schema: Schema, definitions: Mapping[str, Schema], elsewhere: Mapping[str, str]
) -> Iterator[str]:
    if schema.get("description"):
        yield f"{plain(schema['description'], keep_breaks=True)}\n"
    if schema.get("enum"):
        yield f"One of {value_form(schema, elsewhere)}.\n"
    if schema.get("properties"):
        yield _HEAD
        required = schema.get("required", ())
        for key, value in schema["properties"].items():
            meaning = value.get("description") or _meaning(value, definitions)
            yield _row(key, {**value, "description": meaning}, key in required, elsewhere)
        yield ""


def _meaning(value: Schema, definitions: Mapping[str, Schema]) -> str:
    """What the object is that a key without a description of its own holds."""
    target = definitions.get(str(value.get("$ref", "")).rpartition("/")[2], {})
    return str(target.get("description", "")).partition("\n\n")[0]


def _row(key: str, value: Schema, required: bool, elsewhere: Mapping[str, str]) -> str:
    default = "required" if required else _default(value)
    cells = [f"`{key}`", value_form(value, elsewhere), default, plain(value["description"])]
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _default(value: Schema) -> str:
    if "default" not in value:
        return ""
    text = json.dumps(value["default"], ensure_ascii=False)
    return f"`{text}`" if len(text) <= _MAX_DEFAULT else "the defaults of its keys"


def value_form(value: Schema, elsewhere: Mapping[str, str]) -> str:
    """What a value may be, in words: ``integer, ≥ 1`` or ``list of text``."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}]({elsewhere.get(name, '#' + name.lower())})"
    if "anyOf" in value:
        return " or ".join(value_form(option, elsewhere) for option in value["anyOf"])
    if "enum" in value or "const" in value:
        options = value.get("enum") or [value["const"]]
        return ", ".join(
            f"`{option if isinstance(option, str) else json.dumps(option)}`" for option in options
        )
    return f"{_kind(value, elsewhere)}{_bounds(value)}"


def _kind(value: Schema, elsewhere: Mapping[str, str]) -> str:
    kind = value.get("type", "anything")
    if kind == "array":
        return f"list of {value_form(value.get('items', {}), elsewhere)}"
    if kind == "object" and isinstance(value.get("additionalProperties"), Mapping):
        return f"map of name to {value_form(value['additionalProperties'], elsewhere)}"
    return {"string": "text", "boolean": "true or false", "object": "map"}.get(kind, str(kind))


def _bounds(value: Schema) -> str:
    bounds = [form.format(value[key]) for key, form in _BOUNDS.items() if key in value]
    return "".join(f", {bound}" for bound in bounds)


def plain(text: str, *, keep_breaks: bool = False) -> str:
    """Markdown of a docstring's text: its code marks and roles are reST's."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    return text if keep_breaks else " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
