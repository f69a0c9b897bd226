"""The kustomizations build, and the API server drops nothing of what they say."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cluster.client import Cluster
from intentflow.deployment import DeployOptions, ModelFacts, render, write_manifests
from intentflow.deployment.annotations import SERVICE_LABEL
from intentflow.deployment.kustomize import build, mappings
from intentflow.deployment.service_options import COMPONENTS
from tests.real_parts.strict import is_custom, violations

ROOT = Path(__file__).parents[2] / "manifests"
KUSTOMIZATIONS = sorted(
    file.parent.relative_to(ROOT).as_posix()
    for file in ROOT.rglob("kustomization.yaml")
    if "kind: Component" not in file.read_text()
)


def _build(kubectl: Path, folder: Path) -> list[dict[str, Any]]:
    command = [kubectl, "kustomize", folder]
    built = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr
    return list(yaml.safe_load_all(built.stdout))


@pytest.mark.real
@pytest.mark.parametrize("folder", KUSTOMIZATIONS)
def test_kustomization_passes_the_strict_check(folder: str, kubectl: Path) -> None:
    objects = _build(kubectl, ROOT / folder)
    assert objects
    assert [line for item in objects if is_custom(item) for line in violations(item)] == []


@pytest.mark.real
def test_rendered_files_build_to_what_was_rendered(
    facts: ModelFacts, options: DeployOptions, kubectl: Path, tmp_path: Path
) -> None:
    objects = render(facts, options, None)
    write_manifests(objects, tmp_path)

    assert _ordered(_build(kubectl, tmp_path)) == _ordered(objects)


@pytest.mark.real
@pytest.mark.parametrize(
    "chosen",
    [[], *([name] for name in COMPONENTS), [n for n in COMPONENTS if n != "lora-adapters"]],
)
def test_component_is_read_as_kustomize_reads_it_and_passes_the_strict_check(
    chosen: list[str], kubectl: Path, tmp_path: Path
) -> None:
    shutil.copytree(ROOT, tmp_path / "manifests")
    (tmp_path / "overlay").mkdir()
    document = {
        "resources": ["../manifests/base"],
        "components": [f"../manifests/components/{name}" for name in chosen],
    }
    (tmp_path / "overlay/kustomization.yaml").write_text(yaml.safe_dump(document))
    built = _build(kubectl, tmp_path / "overlay")
    read_here = build(ROOT / "base", [ROOT / "components" / name for name in chosen])
    assert _ordered(read_here) == _ordered(built)
    assert [line for item in built if is_custom(item) for line in violations(item)] == []


@pytest.mark.real
def test_overlay_can_rename_the_service_and_its_images(kubectl: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "manifests")
    (tmp_path / "overlay").mkdir()
    document = {
        "resources": ["../manifests/overlays/staging"],
        "nameSuffix": "-two",
        "images": [
            {"name": "vllm/vllm-openai", "newTag": "v9", "digest": f"sha256:{'a' * 64}"},
            {"name": "intentflow/serve", "newName": "registry.example.com/serve"},
        ],
    }
    (tmp_path / "overlay/kustomization.yaml").write_text(yaml.safe_dump(document))
    objects = _build(kubectl, tmp_path / "overlay")
    text = yaml.safe_dump_all(objects)
    assert f"vllm/vllm-openai:v9@sha256:{'a' * 64}" in text
    assert "registry.example.com/serve:0.1.0" in text
    labels = {found[SERVICE_LABEL] for found in mappings(objects) if SERVICE_LABEL in found}
    assert labels == {"intent-two"}


def test_everything_that_rendering_reads_is_in_the_wheel() -> None:
    document = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())
    patterns = document["tool"]["setuptools"]["package-data"]["intentflow"]
    package = ROOT.parent / "intentflow"
    shipped = {file.resolve() for pattern in patterns for file in package.glob(pattern)}
    folders = [ROOT / "base", ROOT / "deployer", *(ROOT / "components").iterdir()]
    for folder in folders:
        assert set(folder.iterdir()) <= shipped


def test_overlays_are_short() -> None:
    overlays = sorted((ROOT / "overlays").glob("*/kustomization.yaml"))
    assert [file.parent.name for file in overlays] == ["dev", "production", "staging"]
    assert {file for file in overlays if len(file.read_text().splitlines()) > 15} == set()


def _ordered(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: (item["kind"], item["metadata"]["name"]))


# Kinds whose CRDs the server does not have.
WITHOUT_CRD = ("PodMonitor", "PrometheusRule", "ClusterStorageContainer")


@pytest.mark.real
@pytest.mark.parametrize("folder", KUSTOMIZATIONS)
def test_server_keeps_every_field(folder: str, kubectl: Path, namespace: str) -> None:
    cluster = Cluster()
    for manifest in _build(kubectl, ROOT / folder):
        if manifest["kind"] not in WITHOUT_CRD:
            manifest["metadata"]["namespace"] = namespace
            assert _dropped(manifest, cluster.apply(manifest, "tests"), "") == []


@pytest.mark.real
@pytest.mark.parametrize(
    "parts",
    [
        {"components": ["autoscaling"], "canary_percent": 10, "log_uri": "s3://logs/banking"},
        {"components": ["model-cache"]},
        {"rollout_job": True},
    ],
)
def test_server_keeps_every_field_of_a_rendered_service(
    facts: ModelFacts, options: DeployOptions, namespace: str, parts: dict[str, Any]
) -> None:
    everything = {**parts, "namespace": namespace}
    chosen = DeployOptions.model_validate({**options.model_dump(exclude_unset=True), **everything})
    stable = replace(facts, uri="s3://models/intent/sha256-e", digest="e" * 64)
    stable = stable if chosen.canary_percent else None
    cluster = Cluster()
    objects = render(facts, chosen, None, stable)
    for manifest in [it for it in objects if it["kind"] not in WITHOUT_CRD]:
        assert _dropped(manifest, cluster.apply(manifest, "tests"), "") == []


def _dropped(sent: Any, kept: Any, where: str) -> list[str]:
    """Paths of what was sent and is not in the answer."""
    if isinstance(sent, dict):
        if not isinstance(kept, dict):
            return [where]
        if sent.get("apiVersion") == "policy/v1":  # spoken as the older one with this server
            kept = {**kept, "apiVersion": "policy/v1"}
        pairs = [(value, kept.get(key), f"{where}.{key}") for key, value in sent.items()]
    elif isinstance(sent, list):
        if not isinstance(kept, list) or len(kept) != len(sent):
            return [where]
        pairs = [(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(sent, kept, strict=True))]
    else:
        return [] if sent == kept else [f"{where}: {sent!r} became {kept!r}"]
    return [path for pair in pairs for path in _dropped(*pair)]
