"""The HTTP routes, from the application's OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from intentflow.serving.app import openapi_document
from scripts.docs.json_schema import plain, schema_sections, value_form


def routes() -> str:
    """All routes, and the objects that they take and give."""
    return describe_routes(openapi_document())


def describe_routes(description: Mapping[str, Any]) -> str:
    """An OpenAPI description's routes and objects, as Markdown."""
    found = list(_routes(description))
    parts = ["| route | what it does |\n|---|---|"]
    parts += [f"| `{method} {path}` | {_summary(route)} |" for method, path, route in found]
    parts.append("")
    for method, path, route in found:
        parts += [f"### {method} {path}", "", *_route(route)]
    parts += ["## Objects", "", _objects(description)]
    return "\n".join(parts)


def openapi_json() -> str:
    """``openapi.json``."""
    return json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"


def _routes(description: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, route in methods.items():
            yield method.upper(), path, route


def _summary(route: Mapping[str, Any]) -> str:
    text = route.get("description") or route.get("summary", "")
    return plain(text.split("\n\n")[0])


def _route(route: Mapping[str, Any]) -> Iterator[str]:
    yield f"{plain(route.get('description') or route.get('summary', ''), keep_breaks=True)}\n"
    body = route.get("requestBody", {}).get("content", {})
    for kind, content in body.items():
        yield f"Request: {_form(content)} as `{kind}`.\n"
    yield "| status | answer |\n|---|---|"
    for status, answer in route["responses"].items():
        forms = [_form(content) for content in answer.get("content", {}).values()]
        detail = "; ".join(form for form in forms if form)
        yield f"| {status} | {answer['description']}{f': {detail}' if detail else ''} |"
    yield ""


def _form(content: Mapping[str, Any]) -> str:
    schema = content.get("schema") or {}
    return value_form(schema, {}) if schema else ""


def _objects(description: Mapping[str, Any]) -> str:
    schemas = description.get("components", {}).get("schemas", {})
    return schema_sections({"routes": description["paths"], "$defs": schemas}, {}, level=3)
