"""Rendering over files that somebody has edited."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from intentflow.deployment import DeployOptions, render, write_manifests
from intentflow.models.model_facts import ModelFacts, read_facts


@pytest.fixture
def facts(model_directory: Path) -> ModelFacts:
    return read_facts(str(model_directory))


@pytest.fixture
def rendered(facts: ModelFacts, tmp_path: Path) -> Path:
    """A rendering that nobody has touched."""
    _render(facts, tmp_path / "manifests")
    return tmp_path / "manifests"


def _render(facts: ModelFacts, folder: Path) -> None:
    write_manifests(render(facts, DeployOptions(name="banking"), None), folder)


def test_rendering_again_warns_of_nothing(
    rendered: Path, facts: ModelFacts, caplog: pytest.LogCaptureFixture
) -> None:
    before = {file.name: file.read_bytes() for file in rendered.iterdir()}
    _render(facts, rendered)
    assert {file.name: file.read_bytes() for file in rendered.iterdir()} == before
    assert "edited by hand" not in caplog.text


@pytest.mark.parametrize("name", ["inferenceservice.yaml", "kustomization.yaml"])
def test_an_edited_file_is_kept_and_named(
    rendered: Path, facts: ModelFacts, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    edited = "namePrefix: my-\n" + (rendered / name).read_text()
    (rendered / name).write_text(edited)
    _render(facts, rendered)
    assert (rendered / f"{name}.edited").read_text() == edited
    assert not (rendered / name).read_text().startswith("namePrefix")
    assert f"replaced: {rendered / name} (kept as NAME.edited)" in caplog.text


def test_the_warning_shows_the_way_of_an_overlay(
    rendered: Path, facts: ModelFacts, caplog: pytest.LogCaptureFixture
) -> None:
    (rendered / "serviceaccount.yaml").write_text("kind: ServiceAccount\n")
    _render(facts, rendered)
    assert "`resources: [../manifests]` and `patches`" in caplog.text


def test_files_of_a_release_without_digests_are_replaced(
    rendered: Path, facts: ModelFacts, caplog: pytest.LogCaptureFixture
) -> None:
    file = rendered / "kustomization.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text())))
    _render(facts, rendered)
    assert "edited by hand" not in caplog.text
