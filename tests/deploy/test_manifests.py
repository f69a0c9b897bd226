"""The kustomizations build, and the API server drops nothing of what they say."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.deploy import DeployOptions, ModelFacts, render, write_manifests
from intentflow.deploy.cluster import Cluster
from tests.deploy.strict import is_custom, violations

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

    def by_kind(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(items, key=lambda item: str(item["kind"]))

    assert by_kind(_build(kubectl, tmp_path)) == by_kind(objects)


@pytest.mark.real
@pytest.mark.parametrize("folder", KUSTOMIZATIONS)
def test_server_keeps_every_field(folder: str, kubectl: Path, namespace: str) -> None:
    cluster = Cluster()
    for manifest in _build(kubectl, ROOT / folder):
        manifest["metadata"]["namespace"] = namespace
        assert _dropped(manifest, cluster.apply(manifest, "tests"), "") == []


def _dropped(sent: Any, kept: Any, where: str) -> list[str]:
    """Paths of what was sent and is not in the answer."""
    if isinstance(sent, dict):
        if not isinstance(kept, dict):
            return [where]
        pairs = [(value, kept.get(key), f"{where}.{key}") for key, value in sent.items()]
    elif isinstance(sent, list):
        if not isinstance(kept, list) or len(kept) != len(sent):
            return [where]
        pairs = [(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(sent, kept, strict=True))]
    else:
        return [] if sent == kept else [f"{where}: {sent!r} became {kept!r}"]
    return [path for pair in pairs for path in _dropped(*pair)]
