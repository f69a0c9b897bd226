"""What stands in ``tests/data`` is what its scripts make of the originals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.data import derive_crd_tables, derive_kfp_calls, derive_records, draw_samples
from tests.public_sets import ORIGINALS, SETS
from tests.real_parts.crds import known_kinds, load_schema

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("name", SETS)
def test_a_sample_is_drawn_from_its_set(name: str) -> None:
    drawn = draw_samples.sample(ORIGINALS / "data", name)
    assert drawn == {file: (draw_samples.TARGET / file).read_bytes() for file in drawn}


def test_the_field_tables_are_derived_from_the_definitions() -> None:
    derived = derive_crd_tables.derive(ORIGINALS / "crds")
    assert derived == {file: _text(derive_crd_tables.TARGET / file) for file in derived}


@pytest.mark.parametrize("name", derive_crd_tables.ORIGINALS)
def test_a_schema_read_from_a_table_lacks_words_and_rules_alone(name: str) -> None:
    spec = derive_crd_tables.read_original(ORIGINALS / "crds", name)["spec"]
    (version,) = spec["versions"]
    api_version = f"{spec['group']}/{version['name']}"
    original = _without_words_and_rules(version["schema"]["openAPIV3Schema"])
    assert load_schema(api_version, spec["names"]["kind"]) == original


def test_every_kind_of_the_tables_has_an_original() -> None:
    assert len(known_kinds()) == len(derive_crd_tables.ORIGINALS)


def test_the_calls_are_derived_from_the_published_description() -> None:
    published = json.loads(_text(ORIGINALS / "kfp" / "kfp_api.mock.json"))
    assert derive_kfp_calls.derive(published) == json.loads(_text(derive_kfp_calls.TARGET))


def test_the_records_are_derived_from_the_complete_ones() -> None:
    derived = derive_records.derive(ORIGINALS / "controllers" / "kserve")
    assert derived == {file: _text(derive_records.TARGET / file) for file in derived}


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _without_words_and_rules(schema: Any) -> Any:
    """A schema as the tables can hold it; the names of properties are never taken for keywords."""
    if isinstance(schema, list):
        return [_without_words_and_rules(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: _without_words_and_rules(it) for name, it in value.items()}
        elif key in ("enum", "default", "required"):
            result[key] = value
        elif key not in ("description", "x-kubernetes-validations"):
            result[key] = _without_words_and_rules(value)
    return result
