"""Configuration files and artifacts, from the schemas that ``intentflow schema`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripts.docs.command_line import schema, schema_names
from scripts.docs.json_schema import schema_sections

_FOLDER = "reference/configuration"
SCHEMA_INDEX = f"{_FOLDER}/index.md"


def schema_pages() -> dict[str, str]:
    """A page for each schema and one that lists them, by their paths in the site."""
    schemas = {name: schema(name) for name in schema_names()}
    elsewhere = {document["title"]: f"{name}.md" for name, document in schemas.items()}
    pages = {SCHEMA_INDEX: _index(schemas)}
    for name, document in schemas.items():
        others = {title: page for title, page in elsewhere.items() if title != document["title"]}
        pages[f"{_FOLDER}/{name}.md"] = _page(name, document, others)
    return pages


def _index(schemas: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [f"| [`{name}`]({name}.md) | {_first(document)} |" for name, document in schemas.items()]
    return "\n".join(
        [
            "# Configuration and artifacts\n",
            "`intentflow schema NAME` prints the JSON Schema of each. Unknown keys are refused, "
            "with the nearest known name.\n",
            "| name | what it is |\n|---|---|",
            *rows,
            "",
        ]
    )


def _first(document: Mapping[str, Any]) -> str:
    paragraph = str(document.get("description", "")).split("\n\n")[0]
    return " ".join(paragraph.split()).replace("``", "`")


def _page(name: str, document: Mapping[str, Any], elsewhere: Mapping[str, str]) -> str:
    return f"# {name}\n\n{schema_sections(document, elsewhere)}\n"
