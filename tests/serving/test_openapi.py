"""The document that describes the routes."""

from __future__ import annotations

from typing import Any

import pytest

from intentflow.serving.app import openapi_document

DOCUMENT = openapi_document()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
OPEN = {
    *("GET /health", "GET /healthz/live", "GET /healthz/ready"),
    *("GET /v2/health/live", "GET /v2/health/ready"),
}
each_operation = pytest.mark.parametrize(
    ("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS]
)


def test_it_lists_every_documented_route() -> None:
    chat = ["GET {}/models", "GET {}/models/{{name}}", "GET {}/tools", "POST {}/chat/completions"]
    assert {name for name, _ in OPERATIONS} == {
        *OPEN,
        "GET /",
        *(route.format(prefix) for prefix in ("/v1", "/openai/v1") for route in chat),
        "POST /v1/models/{name}:predict",
        *("GET /v2", "GET /v2/models", "GET /v2/models/{name}", "GET /v2/models/{name}/ready"),
        "POST /v2/models/{name}/infer",
        "POST /feedback",
    }


@each_operation
def test_responses_have_a_schema(name: str, operation: dict[str, Any]) -> None:
    for response in operation["responses"].values():
        assert response["content"]["application/json"]["schema"]["$ref"]


@each_operation
def test_bodies_have_a_schema(name: str, operation: dict[str, Any]) -> None:
    body = operation.get("requestBody", {"content": {}})["content"]
    assert ("application/json" in body) == name.startswith("POST")
    assert all(content["schema"] for content in body.values())


@each_operation
def test_a_token_is_needed_but_for_probes(name: str, operation: dict[str, Any]) -> None:
    assert ("security" in operation) == (name not in OPEN)


@each_operation
def test_operations_are_explained(name: str, operation: dict[str, Any]) -> None:
    assert operation["description"]


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))
