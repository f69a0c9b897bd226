"""One release number: ``intentflow/version.py`` has it, and everything else is held to it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from intentflow import __version__
from intentflow.pipeline import images
from intentflow.recipe.distributed import Distributed
from intentflow.training.trainjob.manifest import Staged, render_trainjob

ROOT = Path(__file__).parents[2]
IMAGE = re.compile(r"intentflow/(?:data|train|evaluate|serve|deploy)[\w-]*:([\w.+-]+)")


def test_the_project_reads_it() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in document["project"]["dynamic"]
    assert document["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "intentflow.version.__version__"
    }


def test_steps_run_in_images_of_it() -> None:
    assert __version__ == images.TAG


def test_a_training_on_a_cluster_runs_in_an_image_of_it() -> None:
    settings = Distributed.from_mapping(
        {"strategy": "ddp", "nodes": 2, "devices": 1}, "distributed"
    )
    staged = Staged("s3://b/inputs", frozenset({"recipe.yaml"}), "s3://b/results")
    job = render_trainjob(settings, staged, "team-a", {})
    assert job["spec"]["trainer"]["image"] == images.TRAIN


def test_manifests_name_an_image_of_it() -> None:
    document = yaml.safe_load((ROOT / "manifests/base/kustomization.yaml").read_text())
    tags = {image["name"]: image["newTag"] for image in document["images"]}
    assert tags["intentflow/serve"] == __version__


@pytest.mark.parametrize(
    "file",
    [
        *(ROOT / "images").glob("*/Containerfile"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "components").glob("*/README.md"),
        *(ROOT / "pipelines").glob("*/*.yaml"),
    ],
    ids=lambda file: file.relative_to(ROOT).as_posix(),
)
def test_files_name_images_of_it(file: Path) -> None:
    assert set(IMAGE.findall(file.read_text(encoding="utf-8"))) <= {__version__}
