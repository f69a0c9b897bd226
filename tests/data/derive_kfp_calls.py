"""Derive ``tests/data/kfp/api.json`` from the published description of the KFP API.

    python -m tests.data.derive_kfp_calls PUBLISHED_DESCRIPTION.json

The published one is Swagger 2.0 and has every call. Kept are the calls that submitting makes, as
OpenAPI 3.1, whose schemas are JSON Schema; without words on what things mean, and with every
described object closed: a field that the API does not know is refused.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "kfp" / "api.json"
CALLS = (
    "HealthzService_GetHealthz",
    "PipelineService_ListPipelines",
    "PipelineService_CreatePipeline",
    "PipelineService_ListPipelineVersions",
    "UploadPipelineVersion",
    "ExperimentService_ListExperiments",
    "ExperimentService_CreateExperiment",
    "RunService_CreateRun",
    "RunService_GetRun",
    "RecurringRunService_ListRecurringRuns",
    "RecurringRunService_CreateRecurringRun",
    "RecurringRunService_DeleteRecurringRun",
)
_WORDS = ("description", "summary", "title")
_NOT_IN_A_SCHEMA = ("name", "in", "required", *_WORDS)

Document = dict[str, Any]


def derive(published: Document) -> Document:
    """The description that tests use."""
    paths: Document = {}
    for path, operations in published["paths"].items():
        for method, operation in operations.items():
            if operation["operationId"] in CALLS:
                paths.setdefault(path, {})[method] = _call(operation)
    schemas: Document = {}
    _collect(paths, published["definitions"], schemas)
    return {
        "openapi": "3.1.0",
        "info": {key: published["info"][key] for key in ("title", "version", "license")},
        "security": published["security"],
        "paths": paths,
        "components": {
            "securitySchemes": published["securityDefinitions"],
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _call(operation: Document) -> Document:
    """One call of OpenAPI 3.1."""
    given = operation.get("parameters", [])
    call: Document = {
        "operationId": operation["operationId"],
        "parameters": [_parameter(it) for it in given if it["in"] in ("path", "query")],
        "responses": {
            status: {"description": "", "content": _json(_schema(response["schema"]))}
            for status, response in operation["responses"].items()
        },
    }
    for it in given:
        if it["in"] == "body":
            call["requestBody"] = {"required": True, "content": _json(_schema(it["schema"]))}
    if files := [it for it in given if it["in"] == "formData"]:
        call["requestBody"] = {"required": True, "content": {"multipart/form-data": _form(files)}}
    return call


def _parameter(given: Document) -> Document:
    schema = {key: value for key, value in given.items() if key not in _NOT_IN_A_SCHEMA}
    required = given.get("required", False)
    return {"name": given["name"], "in": given["in"], "required": required, "schema": schema}


def _form(files: list[Document]) -> Document:
    return {
        "schema": {
            "type": "object",
            "properties": {it["name"]: {"type": "string", "format": "binary"} for it in files},
            "required": [it["name"] for it in files if it.get("required")],
        }
    }


def _json(schema: Document) -> Document:
    return {"application/json": {"schema": schema}}


def _schema(given: Any) -> Any:
    """A JSON Schema; the names of properties are never mistaken for keywords."""
    if isinstance(given, list):
        return [_schema(item) for item in given]
    if not isinstance(given, dict):
        return given
    schema: Document = {}
    for key, value in given.items():
        if key == "$ref":
            schema[key] = value.replace("#/definitions/", "#/components/schemas/")
        elif key == "properties":
            schema[key] = {name: _schema(inner) for name, inner in value.items()}
        elif key == "example":
            schema["examples"] = [value]
        elif key not in _WORDS:
            schema[key] = _schema(value)
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


def _collect(part: Any, definitions: Document, schemas: Document) -> None:
    """Add what a part refers to, and what that refers to."""
    if isinstance(part, list):
        for item in part:
            _collect(item, definitions, schemas)
    elif isinstance(part, dict):
        name = str(part.get("$ref", "")).rpartition("/")[2]
        if name and name not in schemas:
            schemas[name] = _schema(definitions[name])
            _collect(schemas[name], definitions, schemas)
        for value in part.values():
            _collect(value, definitions, schemas)


def main() -> None:
    """Write the description."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("published", type=Path)
    published = json.loads(parser.parse_args().published.read_text(encoding="utf-8"))
    TARGET.write_text(json.dumps(derive(published), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
