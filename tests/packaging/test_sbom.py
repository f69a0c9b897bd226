"""The bill of materials of a release: what is installed, in the pinned versions."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from intentflow import __version__

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
ROOT = Path(__file__).parents[2]


def _lines() -> list[str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


PINS = {
    canonicalize_name(pin.name): pin.specifier
    for pin in map(Requirement, _lines())
    if not pin.marker or pin.marker.evaluate()
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("sbom") / "sbom.json"
    subprocess.run([ROOT / "scripts/sbom", sys.executable, file], check=True)
    found: dict[str, Any] = json.loads(file.read_text())
    return found


@pytest.fixture(scope="module")
def components(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {canonicalize_name(one["name"]): one for one in document["components"]}


def test_its_format_is_cyclonedx(document: dict[str, Any]) -> None:
    assert document["bomFormat"] == "CycloneDX"


def test_its_subject_is_the_release(document: dict[str, Any]) -> None:
    subject = document["metadata"]["component"]
    assert (subject["name"], subject["version"]) == ("intentflow", __version__)
    assert subject["licenses"][0]["license"]["id"] == "Apache-2.0"


def test_it_lists_every_pin_that_is_installed(components: dict[str, dict[str, Any]]) -> None:
    installed = {canonicalize_name(one.name) for one in distributions()}
    assert (set(PINS) & installed) - set(components) == set()


def test_versions_are_the_pinned_ones(components: dict[str, dict[str, Any]]) -> None:
    versions = {name: Version(one["version"]).public for name, one in components.items()}
    others = {
        name: version
        for name, version in versions.items()
        if name in PINS and not PINS[name].contains(version)
    }
    assert others == {}


def test_it_states_what_needs_what(document: dict[str, Any]) -> None:
    needs = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    assert any(ref.startswith("pydantic==") for ref in needs["root-component"])


def test_it_names_no_folder_of_the_builder(document: dict[str, Any]) -> None:
    assert str(ROOT) not in json.dumps(document)
