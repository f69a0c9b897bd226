"""Field tables give back the schemas that they were written from."""

from __future__ import annotations

from typing import Any

import pytest

from tests.real_parts.crds import known_kinds, load_crd, load_schema
from tests.real_parts.field_tables import read_schema, read_table, write_table
from tests.real_parts.strict import violations

PORT = {"type": "object", "properties": {"port": {"type": "integer", "format": "int32"}}}
INT_OR_STRING = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
    "pattern": "^[0-9]+$",
}


def _read_back(**properties: Any) -> Any:
    schema = {"type": "object", "properties": properties}
    return read_schema(read_table(write_table({"Thing": schema})), "Thing")["properties"]


@pytest.mark.parametrize(
    "field",
    [
        {"type": "string", "enum": ["a", "b"], "default": "a"},
        {"type": "string", "default": ""},
        {"type": "boolean", "default": False},
        {"type": "array", "items": {"type": "string", "maxLength": 3}, "maxItems": 2},
        {"type": "object", "additionalProperties": {"type": "array", "items": PORT}},
        {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        {**PORT, "required": ["port"], "default": {}, "x-kubernetes-map-type": "atomic"},
        {"type": "array", "items": INT_OR_STRING},
        INT_OR_STRING,
        {},
    ],
)
def test_a_field_is_read_back_as_it_was_written(field: dict[str, Any]) -> None:
    assert _read_back(one=field) == {"one": field}


def test_descriptions_and_rules_are_left_out() -> None:
    rules = [{"rule": "self > 0"}]
    described = {"type": "integer", "description": "How many.", "x-kubernetes-validations": rules}
    assert _read_back(count=described) == {"count": {"type": "integer"}}


def test_a_field_may_be_called_description() -> None:
    assert _read_back(description={"type": "string"}) == {"description": {"type": "string"}}


def test_objects_with_equal_fields_stand_there_once() -> None:
    schema = {"type": "object", "properties": {"one": PORT, "two": PORT}}
    assert list(read_table(write_table({"Thing": schema}))) == ["Thing", "one"]


def test_objects_of_one_name_with_other_fields_are_distinguished() -> None:
    other = {"type": "object", "properties": {"port": {"type": "string"}}}
    nested = {"type": "object", "properties": {"one": other}}
    assert _read_back(one=PORT, two=nested) == {"one": PORT, "two": nested}


@pytest.mark.parametrize(("api_version", "kind"), known_kinds())
def test_a_definition_has_the_schema_of_its_kind(api_version: str, kind: str) -> None:
    (version,) = load_crd(api_version, kind)["spec"]["versions"]
    assert version["schema"]["openAPIV3Schema"] == load_schema(api_version, kind)


def _service(**model: Any) -> dict[str, Any]:
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "banking"},
        "spec": {"predictor": {"model": {"modelFormat": {"name": "vLLM"}, **model}}},
    }


def test_an_object_of_known_fields_passes_the_strict_check() -> None:
    assert violations(_service(storageUri="s3://models/a", args=["--port=8080"])) == []


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ({"storageURI": "s3://models/a"}, "'storageURI' was unexpected"),
        ({"storageUri": 3}, "3 is not of type 'string'"),
        ({"modelFormat": {"version": "1"}}, "'name' is a required property"),
        ({"readinessProbe": {"grpc": {"service": "a"}}}, "'port' is a required property"),
    ],
)
def test_the_strict_check_reads_the_tables(model: dict[str, Any], complaint: str) -> None:
    (line,) = violations(_service(**model))
    assert complaint in line
