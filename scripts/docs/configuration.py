"""Configuration files and artifacts, from the schemas that ``intentflow schema`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from intentflow.cli.schema import schema_models
from intentflow.config import StrictModel
from scripts.docs.json_schema import Schema, plain, schema_sections

CONFIGURATION_INDEX = "reference/configuration/index.md"
ARTIFACT_INDEX = "reference/artifacts/index.md"
_INTRODUCTION = {
    CONFIGURATION_INDEX: "# Configuration\n\n"
    "YAML files that people write. `intentflow schema NAME` prints the JSON Schema of each. "
    "Unknown keys are refused, with the nearest known name.\n",
    ARTIFACT_INDEX: "# Artifacts\n\n"
    "Files that commands and steps write and read. `intentflow schema NAME` prints the JSON Schema "
    "of each.\n",
}


def schema_pages() -> dict[str, str]:
    """A page for each schema, and two that list them, by their paths in the site."""
    models = schema_models()
    places = {name: _place(name, model) for name, model in sorted(models.items())}
    schemas = {name: models[name].model_json_schema() for name in places}
    pages = {index: text + _list(index, places, schemas) for index, text in _INTRODUCTION.items()}
    titles = {document["title"]: places[name] for name, document in schemas.items()}
    for name, document in schemas.items():
        others = {
            title: f"../../{place}" for title, place in titles.items() if place != places[name]
        }
        pages[places[name]] = f"# {name}\n\n{schema_sections(document, others)}\n"
    return pages


def _place(name: str, model: type[BaseModel]) -> str:
    kind = "configuration" if issubclass(model, StrictModel) else "artifacts"
    return f"reference/{kind}/{name}.md"


def _list(index: str, places: Mapping[str, str], schemas: Mapping[str, Schema]) -> str:
    folder = index.removesuffix("index.md")
    names = [name for name, place in places.items() if place.startswith(folder)]
    return "\n".join(_lines(names, schemas))


def _lines(names: Iterable[str], schemas: Mapping[str, Schema]) -> Iterable[str]:
    yield "\n| name | what it is |\n|---|---|"
    for name in names:
        first = str(schemas[name].get("description", "")).split("\n\n")[0]
        yield f"| [`{name}`]({name}.md) | {plain(first)} |"
    yield ""
